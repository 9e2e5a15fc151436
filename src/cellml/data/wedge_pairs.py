"""Pairs of damaged and true patches, made on the fly from undamaged volumes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from cellml.data.blocks import OpenBlock
from cellml.data.wedge_damage import TiltScheme, WedgeDamage
from cellml.errors import CellmlError
from cellml.uncertainty.symmetry import Symmetry

Sample = dict[str, torch.Tensor]


def symmetries(spacing: Sequence[float], cube: bool = True) -> list[Symmetry]:
    """Those that leave the voxel size (z, y, x) as it is, within 2 %: 48 for cubic voxels; the identity alone unless `cube`."""
    if not cube:
        return [Symmetry()]
    every = [(a, b, c) for a, b, c in permutations(range(3))]
    orders = [o for o in every if all(abs(spacing[o[n]] - spacing[n]) <= 0.02 * spacing[n] for n in range(3))]
    return [Symmetry(order, (z, y, x)) for order in orders for z, y, x in product((False, True), repeat=3)]


class WedgePairs(Dataset[Sample]):
    """Patches of damaged slabs and their truth as a pure function of (seed, number).

    blocks: opened training blocks of one channel; patch: (z, y, x) voxels; section: largest cross-section (z, x) of a slab in voxels;
    damage: as `WedgeDamage`; length: patches an epoch; per_slab: patches that share one slab and its tilt series (a slab takes about a
    second); cube: whether the specimen is turned to any of the orientations that its voxels allow; invert: whether dark voxels are the
    dense ones.
    Item `epoch * length + index` is {"image": (C, z, y, x), "labels": (1, z, y, x), both float32, "wedge": (low, high, step) degrees,
    "snr": scalar}. Consecutive numbers read the slab that the process made last, and any order gives the same patches.
    """

    def __init__(
        self,
        blocks: Sequence[OpenBlock],
        patch: Sequence[int],
        damage: WedgeDamage,
        length: int,
        seed: int,
        section: Sequence[int] = (256, 256),
        per_slab: int = 8,
        cube: bool = True,
        invert: bool = False,
    ) -> None:
        self.blocks, self.patch, self.section = list(blocks), tuple(int(p) for p in patch), tuple(int(n) for n in section)
        self.damage, self.length, self.seed, self.per_slab, self.invert = damage, length, seed, per_slab, invert
        self.ways = [(n, way) for n, block in enumerate(self.blocks) for way in symmetries(block.spacing, cube) if self._fits(block, way)]
        voxels = np.array([np.prod([float(n) for n in self.blocks[number].shape]) for number, _ in self.ways])
        self._check(voxels.size)
        self.shares = voxels / voxels.sum()
        self._slab: tuple[int, Any] = (-1, None)

    def _fits(self, block: OpenBlock, way: Symmetry) -> bool:
        return all(block.shape[axis] >= p for axis, p in zip(way.axes, self.patch, strict=True))

    def _check(self, ways: int) -> None:
        if self.per_slab < 1 or len(self.section) != 2 or self.section[0] < self.patch[0] or self.section[1] < self.patch[2]:
            raise CellmlError(
                f"data.per_slab={self.per_slab} must be at least 1, and data.section={list(self.section)} (z, x) hold the patch "
                f"{self.patch}."
            )
        if not ways:
            raise CellmlError(
                f"No training region holds the patch {self.patch} (z, y, x): they have {[block.shape for block in self.blocks]} voxels. "
                "Choose a smaller data.patch or larger regions."
            )

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> Sample:
        group = int(number) // self.per_slab
        if self._slab[0] != group:
            self._slab = (group, self._damaged(group))
        image, truth, scheme = self._slab[1]
        rng = np.random.default_rng([self.seed, 1, int(number)])
        start = [int(rng.integers(0, n - p + 1)) for n, p in zip(truth.shape, self.patch, strict=True)]
        part = tuple(slice(s, s + p) for s, p in zip(start, self.patch, strict=True))
        return pair(image[(slice(None), *part)], truth[part], scheme)

    def _damaged(self, group: int) -> tuple[NDArray[np.float32], NDArray[np.float32], TiltScheme]:
        """A slab: reconstructions (C, z, y, x), truth (z, y, x), and how it was tilted."""
        rng = np.random.default_rng([self.seed, 0, group])
        truth = self.specimen(rng)
        scheme = self.damage.draw(rng)
        return self.damage.apply(truth, scheme, rng), truth, scheme

    def specimen(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """A slab of truth in a random orientation, (z, y, x): rows of one patch, and the cross-section or the part of it that is used."""
        number, way = self.ways[int(rng.choice(len(self.ways), p=self.shares))]
        block, sizes = self.blocks[number], (self.section[0], self.patch[1], self.section[1])
        region = [slice(0, 0)] * 3
        for axis, size in zip(way.axes, sizes, strict=True):
            extent = min(size, block.shape[axis])
            start = int(rng.integers(0, block.shape[axis] - extent + 1))
            region[axis] = slice(start, start + extent)
        density = way.apply(torch.from_numpy(block.read_image((region[0], region[1], region[2]))[0])).numpy()
        return np.ascontiguousarray(-density if self.invert else density)


def pair(image: NDArray[np.float32], truth: NDArray[np.float32], scheme: TiltScheme) -> Sample:
    """Reconstructions (C, z, y, x) and truth (z, y, x) as the task reads them."""
    return {
        "image": torch.from_numpy(np.ascontiguousarray(image)),
        "labels": torch.from_numpy(np.ascontiguousarray(truth))[None],
        "wedge": torch.tensor([scheme.low, scheme.high, scheme.step], dtype=torch.float32),
        "snr": torch.tensor(scheme.snr, dtype=torch.float32),
    }
