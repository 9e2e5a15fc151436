"""Cells with a labelled structure as training data of the conditional image model: frames in, structure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cellml.data.block_module import BlockDataModule
from cellml.data.references import resolve
from cellml.errors import CellmlError
from cellml.shapes.organelles.around import host_around
from cellml.shapes.organelles.channels import CHANNELS, channels_of
from cellml.shapes.organelles.host import coarser
from cellml.types import Labels


@dataclass
class StructureBlock:
    """structure: labels of what is predicted; inner: of the inner frame; spacing_nm: (z, y, x) where the files do not say; reach_nm: as in
    `host_around`; step: every n-th voxel.
    """

    structure: str
    inner: Sequence[str]
    spacing_nm: Sequence[float] | None
    reach_nm: float
    step: int
    channels: int = len(CHANNELS)
    warning: str | None = None
    _content: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def content(self) -> dict[str, Tensor]:
        """{"image": (5, Z, Y, X) float32, "labels": (Z, Y, X), 1 in the structure, 0 elsewhere in the host, −1 outside}, read once."""
        if not self._content:
            structure = self._read(self.structure)
            host = coarser(host_around([self._read(path) for path in self.inner], self.reach_nm, name=self.structure), (self.step,) * 3)
            parts = tuple(slice(self.step // 2, None, self.step) for _ in range(3))
            data = structure.data[parts] if self.step > 1 else structure.data
            labels = np.where(host.inside & ~host.inner, data > 0, -1).astype(np.int64)
            self.spacing, self.origin = host.spacing, host.origin
            self._content = {"image": torch.from_numpy(channels_of(host)), "labels": torch.from_numpy(labels)}
        return self._content

    def _read(self, path: str) -> Labels:
        from cellml.io import read_labels

        return read_labels(resolve(path, "labels")[0], spacing_nm=self.spacing_nm)

    @property
    def name(self) -> str:
        """The structure's file."""
        return self.structure


class StructurePatches(Dataset[dict[str, Tensor]]):
    """Patch number n, a function of the seed and n: a random place in a random block, mirrored."""

    def __init__(self, blocks: Sequence[StructureBlock], patch: Sequence[int], length: int, seed: int, mirror: bool) -> None:
        self.blocks, self.patch, self.length, self.seed, self.mirror = list(blocks), tuple(patch), length, seed, mirror

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, int(number)])
        content = self.blocks[int(rng.integers(len(self.blocks)))].content()
        start = [int(rng.integers(n - p + 1)) for n, p in zip(content["labels"].shape, self.patch, strict=True)]
        place = tuple(slice(s, s + p) for s, p in zip(start, self.patch, strict=True))
        axes = [axis for axis in range(3) if self.mirror and rng.random() < 0.5]
        image = torch.flip(content["image"][(slice(None), *place)], [axis + 1 for axis in axes])
        return {"image": image, "labels": torch.flip(content["labels"][place], axes)}


class StructureDataModule(BlockDataModule):
    """Blocks of cells in which a structure is labelled.

    train, val: {structure, inner} of each block, files or `FILE.npz:NAME`; spacing_nm, reach_nm, step: as in `StructureBlock`; patch: (z,
    y, x) voxels of the coarser grid; mirror: show patches mirrored along the axes. Raises CellmlError for a patch larger than a block, and
    for blocks that are in both lists.
    """

    def __init__(
        self,
        train: Sequence[Mapping[str, Any]],
        val: Sequence[Mapping[str, Any]],
        patch: Sequence[int] = (40, 40, 40),
        spacing_nm: Sequence[float] | None = None,
        reach_nm: float = 400.0,
        step: int = 4,
        batch_size: int = 2,
        patches_per_epoch: int = 40,
        num_workers: int = 0,
        seed: int = 0,
        mirror: bool = True,
    ) -> None:
        super().__init__(patch, batch_size, patches_per_epoch, "none", num_workers, seed)
        self.given = {"train": list(train), "val": list(val)}
        self.options: dict[str, Any] = {"spacing_nm": spacing_nm, "reach_nm": float(reach_nm), "step": int(step)}
        self.mirror = mirror

    def setup(self, stage: str | None = None) -> None:
        """Read the blocks and check them."""
        if self._train:
            return
        both = [b["structure"] for b in self.given["train"] if b["structure"] in [v["structure"] for v in self.given["val"]]]
        if both or not self.given["train"]:
            raise CellmlError(f"data.train and data.val must be different blocks, and train not empty; {both or 'nothing'} is in both.")
        self._train, self._val = ([StructureBlock(**block, **self.options) for block in self.given[part]] for part in ("train", "val"))
        for block in [*self._train, *self._val]:
            shape = tuple(block.content()["labels"].shape)
            if any(n < p for n, p in zip(shape, self.patch, strict=True)):
                raise CellmlError(f"{block.name} has {shape} voxels at step {block.step}, fewer than data.patch {self.patch}.")

    @property
    def contract(self) -> dict[str, Any]:
        """As for images, and the names of the channels."""
        return {**super().contract, "channel_names": list(CHANNELS)}

    def patches(self) -> Dataset[Any]:
        """The patches of an epoch."""
        return StructurePatches(self._train, self.patch, self.patches_per_epoch, self.seed, self.mirror)

    def whole(self, block: StructureBlock) -> dict[str, Any]:
        """A validation block."""
        return dict(block.content())
