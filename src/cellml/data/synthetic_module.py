"""Rendered blocks as training data, alone or beside real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellml.data.mixed_places import MixedSampling
from cellml.data.module import VolumeDataModule
from cellml.data.sampling import Anywhere
from cellml.errors import CellmlError
from cellml.shapes.synthetic.block import Recipe
from cellml.shapes.synthetic.files import MARK, read_blocks, write_blocks


class SyntheticDataModule(VolumeDataModule):
    """Blocks that `cellml render` made, or that are made in `folder` before training.

    recipe: what they are made of; folder: where they are, or go; blocks, val_blocks: how many train and validate; shape: (Z, Y, X) voxels
    and voxel_nm: (z, y, x) of each, where they are made here; target: which array is learned: classes, organelles or cells; classes: class
    numbers of its numbers, {0: 0, 1: 0, 2: 1} for the first kind of organelle against all else. train: real blocks to train on as well,
    with real_share: the part of the patches that they give; val: real blocks to validate on, in place of synthetic ones. The rest as for
    `VolumeDataModule`; labelled and labelled_sections say which labels of the real blocks count. Raises CellmlError for a folder with fewer
    blocks than are asked for, and a share outside 0 to 1.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: str,
        patch: Sequence[int],
        blocks: int = 6,
        val_blocks: int = 1,
        shape: Sequence[int] = (20, 384, 384),
        voxel_nm: Sequence[float] = (45.0, 4.6, 4.6),
        target: str = "classes",
        classes: Mapping[Any, int] | None = None,
        train: Sequence[Mapping[str, Any]] = (),
        val: Sequence[Mapping[str, Any]] = (),
        real_share: float = 0.5,
        seed: int = 0,
        **more: Any,
    ) -> None:
        super().__init__(train, val, patch, seed=seed, **more)
        if blocks < 1 or val_blocks < 0 or not 0 <= real_share <= 1:
            raise CellmlError(
                f"Synthetic data need blocks and a share of real patches between 0 and 1, got data.blocks={blocks}, "
                f"data.val_blocks={val_blocks} and data.real_share={real_share}."
            )
        if target not in ("classes", "organelles", "cells"):
            raise CellmlError(f"data.target={target!r} is no array of a synthetic block; they have classes, organelles and cells.")
        self.recipe, self.folder, self.count = recipe, Path(folder), blocks
        self.val_count = 0 if val else val_blocks
        self.shape, self.voxel_nm, self.target, self.classes, self.real_share = shape, voxel_nm, target, classes, real_share

    def setup(self, stage: str | None = None) -> None:
        """Make the blocks unless they are there, then open them beside the real ones."""
        if self._train:
            return
        wanted = self.count + self.val_count
        if not (self.folder / MARK).is_file():
            write_blocks(self.recipe, self.folder, wanted, self.shape, self.voxel_nm, self.seed)
        facts = read_blocks(self.folder)
        if len(facts["blocks"]) < wanted:
            raise CellmlError(
                f"{self.folder} holds {len(facts['blocks'])} blocks, and data.blocks={self.count} with {self.val_count} for validation "
                "are asked for; lower data.blocks, or render more of them."
            )
        made = [self._block(block) for block in facts["blocks"][:wanted]]
        if self.train_blocks:
            self.sampling = MixedSampling(len(self.train_blocks), self.real_share, self.sampling or Anywhere())
        self.train_blocks = [*self.train_blocks, *made[: self.count]]
        self.val_blocks = [*self.val_blocks, *made[self.count :]]
        self.provenance["synthetic"] = {key: facts[key] for key in ("program", "date", "learned_from", "style")} | {"blocks": self.count}
        super().setup(stage)

    def _block(self, facts: Mapping[str, Any]) -> Any:
        from cellml.data.blocks import Block

        files = facts["files"]
        return Block(str(self.folder / files["image"]), str(self.folder / files[self.target]), values=self.classes)
