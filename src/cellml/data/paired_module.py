"""The Lightning data module of paired images: patches of training blocks, whole held-out blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from cellml.data.augment import SeededTransforms
from cellml.data.block_module import BlockDataModule
from cellml.data.image_box import require_alike, require_guard
from cellml.data.paired import OpenPair, PairedBlock, target_scaling
from cellml.errors import CellmlError


class PairedDataModule(BlockDataModule):
    """Random patches for training and whole blocks for validation; "labels" are the images to predict, (K, z, y, x) float32.

    path, targets: the image and, as {name, image}, what is to be predicted from it, for blocks that name none of their own; train, val:
    PairedBlocks, or their fields; spacing_nm, planes_as_channels: of all blocks that do not say; patch: (z, y, x) voxels; transforms: the
    train-only tail; guard: least distance in voxels between a training and a validation block of one file. Targets are scaled to mean 0
    and deviation 1 over the training blocks; the numbers travel in the contract, so that predictions come in the targets' own units.
    """

    def __init__(
        self,
        train: Sequence[PairedBlock | Mapping[str, Any]],
        val: Sequence[PairedBlock | Mapping[str, Any]],
        patch: Sequence[int],
        path: str | None = None,
        targets: Sequence[Mapping[str, str]] = (),
        spacing_nm: Sequence[float] | None = None,
        planes_as_channels: bool = False,
        batch_size: int = 1,
        patches_per_epoch: int = 100,
        transforms: Sequence[Any] = (),
        guard: int = 8,
        normalisation: str = "volume",
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(patch, batch_size, patches_per_epoch, normalisation, num_workers, seed)
        usual = {"image": path, "targets": targets, "spacing_nm": spacing_nm, "planes_as_channels": planes_as_channels}
        self.train_blocks, self.val_blocks = ([_block(b, usual) for b in blocks] for blocks in (train, val))
        self.transforms, self.guard = list(transforms), guard

    def setup(self, stage: str | None = None) -> None:
        """Open the files, refuse leaking splits, and scale the targets by the training blocks."""
        if self._train:
            return
        if not self.train_blocks:
            raise CellmlError("data.train lists no block; give at least one {image, targets}.")
        train, val = (
            [OpenPair(block, normalisation=self.normalisation) for block in blocks] for blocks in (self.train_blocks, self.val_blocks)
        )
        require_guard(train, val, self.guard)
        require_alike([*train, *val], "spacing", "channels", "target_names", remedy="give images of one kind.")
        self.shift, self.scale = target_scaling(train)
        for block in [*train, *val]:
            block.scale_targets(self.shift, self.scale)
        self._train, self._val = train, val

    @property
    def contract(self) -> dict[str, Any]:
        """As for labels, and planes and outputs: what predictions need to come in the targets' own units."""
        common = super().contract
        first = self._train[0]
        return {
            **common,
            "planes_as_channels": first.block.planes_as_channels,
            "outputs": [
                {"name": name, "shift": shift, "scale": scale}
                for name, shift, scale in zip(first.target_names, self.shift, self.scale, strict=True)
            ],
        }

    def patches(self) -> PairedPatches:
        """Patches of image and targets."""
        return PairedPatches(self._train, self.patch, self.patches_per_epoch, self.seed, SeededTransforms(self.transforms))

    def whole(self, block: OpenPair) -> dict[str, Any]:
        """{"image": (C, Z, Y, X), "labels": (K, Z, Y, X)} of a validation block."""
        return {"image": torch.from_numpy(block.read_image()), "labels": torch.from_numpy(block.read_targets())}


class PairedPatches(Dataset[dict[str, torch.Tensor]]):
    """Random patches of paired blocks as a pure function of (seed, number), as `cellml.data.patches.PatchDataset` gives for labels."""

    def __init__(self, blocks: Sequence[OpenPair], patch: Sequence[int], length: int, seed: int, transform: SeededTransforms) -> None:
        self.blocks, self.patch, self.length, self.seed, self.transform = list(blocks), tuple(patch), length, seed, transform
        for block in self.blocks:
            if any(n < p for n, p in zip(block.shape, self.patch, strict=True)):
                raise CellmlError(
                    f"{block.name}: the training region is {block.shape} voxels (z, y, x), smaller than the patch {self.patch}. "
                    "Choose a smaller data.patch or a larger region."
                )
        positions = np.array([np.prod([n - p + 1.0 for n, p in zip(b.shape, self.patch, strict=True)]) for b in self.blocks])
        self.shares = positions / positions.sum()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        epoch, index = divmod(int(number), self.length)
        rng = np.random.default_rng([self.seed, epoch, index])
        block = self.blocks[int(rng.choice(len(self.blocks), p=self.shares))]
        start = [int(rng.integers(0, n - p + 1)) for n, p in zip(block.shape, self.patch, strict=True)]
        z, y, x = (slice(s, s + p) for s, p in zip(start, self.patch, strict=True))
        image, targets = block.read_image((z, y, x)), block.read_targets((z, y, x))
        return self.transform({"image": torch.from_numpy(image), "labels": torch.from_numpy(targets)}, int(rng.integers(0, 2**31)))


def _block(block: PairedBlock | Mapping[str, Any], usual: Mapping[str, Any]) -> PairedBlock:
    if isinstance(block, PairedBlock):
        return block
    fields = {**usual, **block}
    if not fields["image"]:
        raise CellmlError("A block of data.train or data.val names no image, and there is no data.path to take it from.")
    try:
        return PairedBlock(**fields)
    except TypeError as error:
        raise CellmlError(
            f"A block of data.train or data.val has the fields {sorted(block)}; known are {sorted(PairedBlock.__dataclass_fields__)}."
        ) from error
