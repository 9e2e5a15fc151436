"""Rotated blocks of a tomogram or of its two halves, as a pure function of (seed, number)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from cellml.data.augment import SeededTransforms
from cellml.data.halves import TomogramHalves
from cellml.errors import CellmlError
from cellml.tomography.rotation import random_rotation, rotated_block


class RotatedWedges(Dataset[dict[str, Tensor]]):
    """Pairs of blocks to learn from. Item number `epoch · length + index` is

    "image" (1, n + 2m, n + 2m, n + 2m): one half, drawn by chance, in a random frame, with a margin of m voxels for the wedge's removal;
    "labels" (1, n, n, n): the other half there (the same, where there is one tomogram);
    "window" (1, n, n, n): how much a voxel counts, 0 at the block's faces and beyond the volume's;
    "rotation" (3, 3).

    halves: the opened tomogram; size: n; margin: m; fade: voxels over which the window rises; transform(sample, seed): a change of grey
    values that moves no voxel. Where a rotated block fits into the volume,
    its centre is drawn from where it does; along an axis too short for that, from the middle half, and what the corners show is mirrored
    and counts nothing. Raises CellmlError for blocks larger than the volume's longest axis.
    """

    def __init__(
        self,
        halves: TomogramHalves,
        size: int,
        margin: int,
        length: int,
        seed: int,
        fade: int = 8,
        transform: SeededTransforms | None = None,
    ) -> None:
        self.blocks, self.size, self.margin, self.length, self.seed, self.fade = [halves], size, margin, length, seed, fade
        self.transform = transform
        if size > max(halves.shape):
            raise CellmlError(
                f"{halves.name} has {halves.shape} voxels (z, y, x), less than data.size={size} along every axis; choose smaller blocks."
            )
        self.window = window(size, fade)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        epoch, index = divmod(int(number), self.length)
        rng, halves = np.random.default_rng([self.seed, epoch, index]), self.blocks[0]
        rotation = random_rotation(rng)
        radius = np.abs(rotation).sum(axis=1) * self.size / 2  # of the rotated cube's bounding box
        centre = [place(rng, n, r) for n, r in zip(halves.shape, radius, strict=True)]
        shown = int(rng.integers(len(halves.measured)))
        image, inside = rotated_block(halves.inputs.numpy()[shown : shown + 1], centre, rotation, self.size + 2 * self.margin, self.fade)
        asked, inner = halves.measured[-1 - shown :][:1], slice(self.margin, self.margin + self.size)
        target, _ = rotated_block(asked, centre, rotation, self.size, self.fade)
        weight = self.window * inside[inner, inner, inner]
        sample = {
            "image": torch.from_numpy(image),
            "labels": torch.from_numpy(target),
            "window": torch.from_numpy(weight[None]),
            "rotation": torch.from_numpy(rotation.astype(np.float32)),
        }
        return sample if self.transform is None else sample | self.transform(sample, int(rng.integers(0, 2**31)))


def place(rng: np.random.Generator, size: int, radius: float) -> float:
    """A place for a block's centre on an axis of `size` voxels: where `radius` keeps it inside, or within the middle half."""
    low = min(radius, size / 4)
    return float(rng.uniform(low, size - low)) - 0.5


def window(size: int, fade: int) -> NDArray[np.float32]:
    """(size, size, size): 1 in the middle, falling like a squared sine to 0 over `fade` voxels at each face (Tukey 1967)."""
    rise = np.minimum((np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5) / max(fade, 0.5), 1)
    axis = np.sin(rise * np.pi / 2) ** 2
    return np.asarray(axis[:, None, None] * axis[:, None] * axis, np.float32)
