"""The Lightning data module: patches of training blocks, whole held-out blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import torch

from cellml.data.augment import SeededTransforms
from cellml.data.block_module import BlockDataModule
from cellml.data.blocks import Block, OpenBlock
from cellml.data.class_check import check_classes
from cellml.data.image_box import require_guard
from cellml.data.patches import PatchDataset
from cellml.errors import CellmlError


class VolumeDataModule(BlockDataModule):
    """Random patches for training and whole blocks for validation.

    path, labels: the file that blocks without an `image` of their own come from, and its labels; spacing_nm: voxel size (z, y, x) where the
    files do not say it, for all blocks that do not say it themselves; train, val: blocks, or their fields;
    patch: (z, y, x) voxels; patches_per_epoch: over all processes; transforms: the train-only tail; device_transforms: what follows them on
    the device that trains (`cellml.data.device_augment`); guard: least distance in voxels
    between a training and a validation block of one file; normalisation: "volume" or "dtype"; min_labelled: least share of known labels
    in a patch; num_workers: loader processes (the patches are the same for any number).

    Sparse labels. ignore, values: what `Block` calls so, for all blocks that do not say it themselves; labelled_sections, labelled:
    likewise, but for training blocks only (validation looks at all that is known); sampling: where patches are taken from
    (`cellml.data.sampling`), anywhere if none; pseudo: predictions that stand in for missing labels of training blocks
    (`cellml.data.pseudo.PseudoLabels`); need_labels: false for images without any labels, for pretraining.
    """

    def __init__(
        self,
        train: Sequence[Block | Mapping[str, Any]],
        val: Sequence[Block | Mapping[str, Any]],
        patch: Sequence[int],
        path: str | None = None,
        labels: str | None = None,
        spacing_nm: Sequence[float] | None = None,
        batch_size: int = 1,
        patches_per_epoch: int = 100,
        transforms: Sequence[Any] = (),
        guard: int = 8,
        normalisation: str = "volume",
        min_labelled: float = 0.0,
        num_workers: int = 0,
        seed: int = 0,
        ignore: int | Sequence[int] | None = None,
        values: Mapping[Any, int] | None = None,
        labelled_sections: Sequence[int] | None = None,
        labelled: Sequence[Mapping[str, Sequence[int]]] | None = None,
        sampling: Any = None,
        pseudo: Any = None,
        need_labels: bool = True,
        device_transforms: Sequence[Any] = (),
    ) -> None:
        super().__init__(patch, batch_size, patches_per_epoch, normalisation, num_workers, seed)
        common: dict[str, Any] = {"image": path, "labels": labels} if path else {}
        common |= {"spacing_nm": spacing_nm, "ignore": ignore, "values": values}
        sparse = {"labelled_sections": labelled_sections, "labelled": labelled}
        self.train_blocks, self.val_blocks = [_block(b, common | sparse) for b in train], [_block(b, common) for b in val]
        self.transforms, self.guard, self.min_labelled = list(transforms), guard, min_labelled
        self.sampling, self.pseudo, self.need_labels = sampling, pseudo, need_labels
        self.device_transforms = list(device_transforms)
        self.provenance: dict[str, Any] = {}

    def setup(self, stage: str | None = None) -> None:
        """Open the files, check them, and refuse leaking splits."""
        if self._train:
            return
        if not self.train_blocks:
            raise CellmlError("data.train lists no block; give at least one {image, labels}.")
        self._train, self._val = (
            [OpenBlock(block, normalisation=self.normalisation, need_labels=self.need_labels) for block in blocks]
            for blocks in (self.train_blocks, self.val_blocks)
        )
        require_guard(self._train, self._val, self.guard, filled=self.pseudo is not None)
        spacings = {block.spacing for block in [*self._train, *self._val]}
        if len(spacings) > 1:
            raise CellmlError(
                f"The blocks have different voxel sizes {sorted(spacings)} nm (z, y, x); resample them to one, or train one model for each."
            )
        channels = {block.name: block.channels for block in [*self._train, *self._val]}
        if len(set(channels.values())) > 1:
            raise CellmlError(f"The blocks have different numbers of channels: {channels}; select or stack channels to match.")
        if self.need_labels:
            self._complete_labels()

    def _complete_labels(self) -> None:
        """Fill in predictions where they are asked for; refuse blocks that then have no label."""
        if self.pseudo is not None:
            self.provenance["pseudo_labels"] = self.pseudo.fill(self._train)
        empty = [block.name for block in self._train if block.rules.nothing and block.filled is None]
        if empty:
            raise CellmlError(
                f"No voxel of {', '.join(empty)} counts as labelled (data.labelled_sections and data.labelled are empty); list "
                "sections, or have predictions fill the block: data.pseudo.checkpoint=FILE."
            )

    def require_classes(self, classes: Sequence[str]) -> None:
        """Raise CellmlError for labels that are no class number; warn of classes without a training or validation voxel."""
        self.setup()
        check_classes(self._train, self._val, classes)

    @property
    def training_blocks(self) -> list[OpenBlock]:
        """The opened training blocks, for what is fitted to labelled voxels instead of patches."""
        self.setup()
        return self._train

    @property
    def validation_blocks(self) -> list[OpenBlock]:
        """The opened validation blocks."""
        self.setup()
        return self._val

    def patches(self) -> PatchDataset:
        """Patches of image and labels."""
        return PatchDataset(
            self._train, self.patch, self.patches_per_epoch, self.seed, SeededTransforms(self.transforms), self.min_labelled, self.sampling
        )

    def whole(self, block: OpenBlock) -> dict[str, Any]:
        """{"image": (C, Z, Y, X), "labels": (Z, Y, X)} of a validation block."""
        labels = torch.from_numpy(block.read_labels().astype("int64"))
        return {"image": torch.from_numpy(block.read_image()), "labels": labels}


def _block(block: Block | Mapping[str, Any], common: Mapping[str, Any]) -> Block:
    """A block from its fields, and from what all blocks have in common where it does not say otherwise."""
    if isinstance(block, Block):
        return block
    given = {**common, **block}
    if given.get("image") is None:
        raise CellmlError(
            "A block of data.train or data.val names no image, and there is no data.path to take it from; give data.path=FILE."
        )
    known = [field.name for field in fields(Block)]
    if set(block) - set(known):
        raise CellmlError(f"A block of data.train or data.val has the fields {sorted(block)}; known are {', '.join(known)}.")
    return Block(**given)
