"""Augmentation of whole batches on the device that trains, where the processor is too slow to feed it.

Like `cellml.data.augment`, a pure function of (sample, seed): each sample draws from a generator that is seeded by the run's seed and the
number of its patch, so it is the same on any device, in any process, and after any interruption. Choices are drawn on the processor,
for a GPU would have to be waited for; noise is drawn on the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cellml.errors import CellmlError

Sample = dict[str, Tensor]
NUMBER = "number"  # the key under which a batch holds the numbers of its patches


class NumberedPatches(Dataset[Sample]):
    """Patches that say their number, on which the random numbers of their augmentation depend."""

    def __init__(self, patches: Dataset[Sample]) -> None:
        self.inner = patches
        self.blocks = getattr(patches, "blocks", [])  # what loader processes open anew

    def __len__(self) -> int:
        return len(self.inner)  # type: ignore[arg-type]

    def __getitem__(self, number: int) -> Sample:
        return {**self.inner[number], NUMBER: torch.tensor(int(number))}


def augment_on_device(batch: dict[str, Tensor], transforms: Sequence[Any], seed: int) -> dict[str, Tensor]:
    """Apply transforms, in order, to every sample of a batch that holds the numbers of its patches, which are taken out.

    batch: "image" (B, C, z, y, x) float32, "labels" (B, z, y, x) int64 or (B, K, z, y, x) float32, "number" (B,). A transform is a
    function of (sample, np.random.Generator).
    """
    numbers = batch[NUMBER].tolist()
    content = {key: value for key, value in batch.items() if key != NUMBER}
    done = []
    for i, number in enumerate(numbers):
        sample = {key: value[i] for key, value in content.items()}
        seeds = np.random.SeedSequence([seed, number]).spawn(len(transforms))
        for transform, own in zip(transforms, seeds, strict=True):
            sample = transform(sample, np.random.default_rng(own))
        done.append(sample)
    return {key: torch.stack([sample[key] for sample in done]) for key in content}


@dataclass(frozen=True)
class Flips:
    """Image and labels mirrored along each of `axes` (0: z, 1: y, 2: x) with probability `prob`."""

    prob: float = 0.5
    axes: tuple[int, ...] = (0, 1, 2)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The same axes for all of the sample."""
        turned = [axis - 3 for axis in self.axes if rng.random() < self.prob]
        return {key: value.flip(turned) if turned else value for key, value in sample.items()}


@dataclass(frozen=True)
class QuarterTurns:
    """Image and labels turned by a multiple of 90° in the plane of two axes (0: z, 1: y, 2: x), each multiple as likely as any other.

    Raises CellmlError for patches that are not square there.
    """

    plane: tuple[int, int] = (1, 2)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The same turn for all of the sample."""
        first, second = (axis - 3 for axis in self.plane)
        shape = sample["image"].shape
        if shape[first] != shape[second]:
            raise CellmlError(
                f"QuarterTurns(plane={list(self.plane)}) needs patches that are square there, and these are {list(shape[-3:])} voxels "
                "(z, y, x)."
            )
        turns = int(rng.integers(4))
        return {key: value.rot90(turns, (first, second)) for key, value in sample.items()}


@dataclass(frozen=True)
class Intensity:
    """Grey values v → (1 + f) v + o with f uniform in ±`factor` and o uniform in ±`offset`; each sample with probability `prob`."""

    factor: float = 0.25
    offset: float = 0.3
    prob: float = 0.7

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The same values for all channels; labels stay."""
        chosen, factor, offset = rng.random() < self.prob, rng.uniform(-self.factor, self.factor), rng.uniform(-self.offset, self.offset)
        return {**sample, "image": sample["image"] * (1 + factor) + offset} if chosen else sample


@dataclass(frozen=True)
class GaussianNoise:
    """White noise whose standard deviation is uniform in [0, `std`], added to the image with probability `prob`."""

    std: float = 0.25
    prob: float = 0.3

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Noise drawn where the image is; labels stay."""
        chosen, std, seed = rng.random() < self.prob, rng.uniform(0, self.std), int(rng.integers(2**63))
        if not chosen:
            return sample
        image = sample["image"]
        generator = torch.Generator(device=image.device).manual_seed(seed)
        return {**sample, "image": image + std * torch.randn(image.shape, generator=generator, device=image.device, dtype=image.dtype)}
