"""The Lightning data module of paired images: patches of training blocks, whole held-out blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from cellml.data.augment import SeededTransforms
from cellml.data.blocks import require_guard
from cellml.data.paired import OpenPair, PairedBlock, target_scaling
from cellml.data.patches import PositionSampler, collate
from cellml.errors import CellmlError


class PairedDataModule(pl.LightningDataModule):
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
        super().__init__()
        if patches_per_epoch % batch_size:
            raise CellmlError(f"data.patches_per_epoch ({patches_per_epoch}) must be a multiple of data.batch_size ({batch_size}).")
        usual = {"image": path, "targets": targets, "spacing_nm": spacing_nm, "planes_as_channels": planes_as_channels}
        self.train_blocks, self.val_blocks = ([_block(b, usual) for b in blocks] for blocks in (train, val))
        self.patch, self.batch_size, self.patches_per_epoch = tuple(int(p) for p in patch), batch_size, patches_per_epoch
        self.transforms, self.guard, self.normalisation = list(transforms), guard, normalisation
        self.num_workers, self.seed = num_workers, seed
        self._train: list[OpenPair] = []
        self._val: list[OpenPair] = []

    def setup(self, stage: str | None = None) -> None:
        """Open the files, refuse leaking splits, and scale the targets by the training blocks."""
        if self._train:
            return
        if not self.train_blocks:
            raise CellmlError("data.train lists no block; give at least one {image, targets}.")
        train, val = (
            [OpenPair(block, normalisation=self.normalisation) for block in blocks] for blocks in (self.train_blocks, self.val_blocks)
        )
        require_guard(train, val, self.guard)  # type: ignore[arg-type]  # it reads file, box and name only
        for what in ("spacing", "channels", "target_names"):
            found = {block.name: getattr(block, what) for block in [*train, *val]}
            if len({str(value) for value in found.values()}) > 1:
                raise CellmlError(f"The blocks have different {what.replace('_', ' ')}: {found}; give images of one kind.")
        self.shift, self.scale = target_scaling(train)
        for block in [*train, *val]:
            block.scale_targets(self.shift, self.scale)
        self._train, self._val = train, val

    @property
    def contract(self) -> dict[str, Any]:
        """What a checkpoint must know of its input and its output: axes, channels, spacing (nm), normalisation, patch, planes, outputs."""
        self.setup()
        first = self._train[0]
        return {
            "axes": "ZYX" if first.channels == 1 else "CZYX",
            "channels": first.channels,
            "spacing_nm": [float(s) for s in first.spacing],
            "normalisation": self.normalisation,
            "patch": list(self.patch),
            "planes_as_channels": first.block.planes_as_channels,
            "outputs": [
                {"name": name, "shift": shift, "scale": scale}
                for name, shift, scale in zip(first.target_names, self.shift, self.scale, strict=True)
            ],
        }

    @property
    def warnings(self) -> list[str]:
        """What the user must know of the data's origin."""
        return sorted({block.warning for block in [*self._train, *self._val] if block.warning})

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches from where the trainer stands: at the start, or in the middle of an epoch after resuming."""
        trainer = self.trainer
        world, rank = (trainer.world_size, trainer.global_rank) if trainer else (1, 0)
        sampler = PositionSampler(self.patches_per_epoch, self._consumed, rank=rank, world=world)
        dataset = PairedPatches(self._train, self.patch, self.patches_per_epoch, self.seed, SeededTransforms(self.transforms))
        return DataLoader(
            dataset, batch_size=self.batch_size, sampler=sampler, num_workers=self.num_workers, collate_fn=collate,
            worker_init_fn=_reopen_files, drop_last=True, persistent_workers=self.num_workers > 0, pin_memory=torch.cuda.is_available(),
        )  # fmt: skip

    def _consumed(self) -> int:
        """Patches that all processes together have trained on."""
        if self.trainer is None:
            return 0
        return self.trainer.global_step * self.trainer.accumulate_grad_batches * self.batch_size * self.trainer.world_size

    def val_dataloader(self) -> DataLoader[Any]:
        """Whole validation blocks, one at a time: {"image": (C, Z, Y, X), "labels": (K, Z, Y, X), "spacing", "origin", "name"}."""
        return DataLoader(_WholePairs(self._val), batch_size=None, shuffle=False)


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


class _WholePairs(Dataset[dict[str, Any]]):
    def __init__(self, blocks: list[OpenPair]) -> None:
        self.blocks = blocks

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, index: int) -> dict[str, Any]:
        block = self.blocks[index]
        image, targets = torch.from_numpy(block.read_image()), torch.from_numpy(block.read_targets())
        return {"image": image, "labels": targets, "spacing": block.spacing, "origin": block.origin, "name": block.name}


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


def _reopen_files(worker: int) -> None:
    info = torch.utils.data.get_worker_info()
    assert info is not None and isinstance(info.dataset, PairedPatches)
    for block in info.dataset.blocks:
        block.reopen()
