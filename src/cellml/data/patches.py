"""Training patches as a pure function of (seed, epoch, index).

Nothing here keeps a random state: the same numbers give the same patch in any worker, in any process, after any interruption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from cellml.data.blocks import OpenBlock
from cellml.data.sampling import Anywhere, AroundLabels, LabelledPlaces, UniformPlaces
from cellml.errors import CellmlError

Sample = dict[str, Tensor]
SeededTransform = Callable[[Sample, int], Sample]


class PatchDataset(Dataset[Sample]):
    """Random patches of labelled blocks.

    blocks: opened training blocks; patch: (z, y, x) voxels; length: patches an epoch; seed: the run's seed; transform(sample, seed): a
    deterministic augmentation; min_labelled: patches with a smaller share of known labels are drawn again (at most 20 times); sampling:
    where patches are taken from (`cellml.data.sampling`).
    Item number `epoch * length + index` is {"image": (C, z, y, x) float32, "labels": (z, y, x) int64}.
    """

    def __init__(
        self,
        blocks: Sequence[OpenBlock],
        patch: Sequence[int],
        length: int,
        seed: int,
        transform: SeededTransform | None = None,
        min_labelled: float = 0.0,
        sampling: Anywhere | AroundLabels | None = None,
    ) -> None:
        self.blocks, self.patch, self.length, self.seed = list(blocks), tuple(int(p) for p in patch), length, seed
        self.transform, self.min_labelled = transform, min_labelled
        for block in self.blocks:
            if any(n < p for n, p in zip(block.shape, self.patch, strict=True)):
                raise CellmlError(
                    f"{block.name}: the training region is {block.shape} voxels (z, y, x), smaller than the patch {self.patch}. "
                    "Choose a smaller data.patch or a larger region."
                )
        self.places: UniformPlaces | LabelledPlaces = (sampling or Anywhere()).prepare(self.blocks, self.patch)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> Sample:
        epoch, index = divmod(int(number), self.length)
        rng = np.random.default_rng([self.seed, epoch, index])
        for _ in range(20):
            chosen, start = self.places.draw(rng)
            block = self.blocks[chosen]
            z, y, x = (slice(s, s + p) for s, p in zip(start, self.patch, strict=True))
            region = (z, y, x)
            labels = block.read_labels(region)
            if self.min_labelled == 0 or block.known(labels).mean() >= self.min_labelled:
                break
        sample = {"image": torch.from_numpy(block.read_image(region)), "labels": torch.from_numpy(labels.astype(np.int64))}
        return self.transform(sample, int(rng.integers(0, 2**31))) if self.transform is not None else sample


class PositionSampler(Sampler[int]):
    """Numbers of an epoch's patches, beginning where training stands: what makes resuming in the middle of an epoch exact.

    length: patches an epoch over all processes; consumed(): patches that all processes together have trained on since step 0, asked each
    time an epoch begins; rank, world: this process and their number. The length does not shrink in a resumed epoch, because Lightning
    counts its batches from the beginning.
    """

    def __init__(self, length: int, consumed: Callable[[], int], *, rank: int = 0, world: int = 1) -> None:
        if length % world:
            raise CellmlError(f"data.patches_per_epoch is {length}; it must be a multiple of the {world} processes.")
        self.length, self.consumed, self.rank, self.world = length, consumed, rank, world

    def __iter__(self) -> Iterator[int]:
        epoch, start = divmod(self.consumed(), self.length)
        for index in range(start + self.rank, self.length, self.world):
            yield epoch * self.length + index

    def __len__(self) -> int:
        return self.length // self.world


def collate(samples: list[Sample]) -> dict[str, Any]:
    """Stack samples to {"image": (B, C, z, y, x), "labels": (B, z, y, x)}."""
    return {key: torch.stack([sample[key] for sample in samples]) for key in samples[0]}
