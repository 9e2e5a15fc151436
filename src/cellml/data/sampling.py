"""Where training patches are taken from: anywhere in the blocks, or around the few voxels that somebody labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.data.blocks import OpenBlock
from cellml.data.labelled import UNLABELLED
from cellml.errors import CellmlError

Place = tuple[int, tuple[int, ...]]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Anywhere:
    """Every position of the patch in every block is as likely as any other."""

    def prepare(self, blocks: Sequence[OpenBlock], patch: Sequence[int]) -> UniformPlaces:
        """The distribution for these blocks."""
        return UniformPlaces(blocks, patch)


@dataclass(frozen=True)
class AroundLabels:
    """Patches that hold a labelled voxel, drawn without looking for one: the voxel is drawn first, then the patch around it.

    share: part of the patches that are drawn so, the others come from anywhere; balanced: each label (class, or object) is drawn as often
    as any other, instead of as often as it has voxels; most: voxels remembered for each label of each block, a random choice of them
    where there are more; seed: of that choice. The voxel lies anywhere in its patch, not always in the middle.
    """

    share: float = 1.0
    balanced: bool = True
    most: int = 20_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or self.most < 1:
            raise CellmlError(
                f"data.sampling.share is {self.share} and most is {self.most}; share must lie in (0, 1] and most be at least 1."
            )

    def prepare(self, blocks: Sequence[OpenBlock], patch: Sequence[int]) -> LabelledPlaces:
        """Read all labels once and remember where they are. Raises CellmlError where no block has a labelled voxel."""
        return LabelledPlaces(self, blocks, patch)


class UniformPlaces:
    """`Anywhere`, for given blocks and patch size (z, y, x)."""

    def __init__(self, blocks: Sequence[OpenBlock], patch: Sequence[int]) -> None:
        self.rooms = [[n - p + 1 for n, p in zip(block.shape, patch, strict=True)] for block in blocks]
        positions = np.array([np.prod(room, dtype=float) for room in self.rooms])
        self.shares: NDArray[np.float64] = positions / positions.sum()

    def draw(self, rng: np.random.Generator) -> Place:
        """The number of a block, and where in it the patch begins (z, y, x)."""
        block = int(rng.choice(len(self.rooms), p=self.shares))
        return block, tuple(int(rng.integers(0, room)) for room in self.rooms[block])


class LabelledPlaces:
    """`AroundLabels`, for given blocks and patch size (z, y, x).

    groups: for each label of each block, the block's number, the label, its voxel count, and flat positions of voxels in the block.
    """

    def __init__(self, rule: AroundLabels, blocks: Sequence[OpenBlock], patch: Sequence[int]) -> None:
        self.rule, self.patch, self.shapes = rule, tuple(patch), [block.shape for block in blocks]
        self.anywhere = UniformPlaces(blocks, patch)
        self.groups: list[tuple[int, int, int, Integers]] = []
        for number, block in enumerate(blocks):
            rng = np.random.default_rng([rule.seed, number])
            self.groups += [(number, *group) for group in _positions(block, rule.most, rng)]
        if not self.groups:
            raise CellmlError(f"None of the {len(blocks)} training block(s) has a labelled voxel to draw patches around.")
        self.weights = self._weights()

    def draw(self, rng: np.random.Generator) -> Place:
        """The number of a block, and where in it the patch begins (z, y, x)."""
        if rng.random() >= self.rule.share:
            return self.anywhere.draw(rng)
        number, _, _, positions = self.groups[int(rng.choice(len(self.groups), p=self.weights))]
        shape = self.shapes[number]
        voxel = np.unravel_index(int(positions[rng.integers(0, len(positions))]), shape)
        start = []
        for v, n, p in zip(voxel, shape, self.patch, strict=True):
            start.append(int(rng.integers(max(0, int(v) - p + 1), min(int(v), n - p) + 1)))
        return number, tuple(start)

    def _weights(self) -> NDArray[np.float64]:
        """Probability of each group: by voxels, or the same for every label and within a label by voxels."""
        counts = np.array([count for _, _, count, _ in self.groups], float)
        if not self.rule.balanced:
            return np.asarray(counts / counts.sum())
        labels = np.array([label for _, label, _, _ in self.groups])
        totals = {int(label): counts[labels == label].sum() for label in np.unique(labels)}
        shares = np.array([count / totals[int(label)] for count, label in zip(counts, labels, strict=True)])
        return np.asarray(shares / len(totals))


def _positions(block: OpenBlock, most: int, rng: np.random.Generator) -> list[tuple[int, int, Integers]]:
    """(label, voxels, flat positions of at most `most` of them) of a block, labels increasing; one slab of it in memory at a time."""
    found: dict[int, list[tuple[Integers, NDArray[np.float64]]]] = {}
    counts: dict[int, int] = {}
    area = block.shape[1] * block.shape[2]
    for start, labels in block.slabs():
        flat = labels.reshape(-1)
        order = np.flatnonzero(flat != UNLABELLED)
        if not order.size:
            continue
        order = order[np.argsort(flat[order], kind="stable")]
        values, begins = np.unique(flat[order], return_index=True)
        for value, positions in zip(values, np.split(order, begins[1:]), strict=True):
            counts[int(value)] = counts.get(int(value), 0) + len(positions)
            found.setdefault(int(value), []).append(_lowest(positions + start * area, rng.random(len(positions)), most))
    groups = []
    for label, parts in sorted(found.items()):
        positions, lots = (np.concatenate(part) for part in zip(*parts, strict=True))
        groups.append((label, counts[label], _lowest(positions, lots, most)[0]))
    return groups


def _lowest(positions: Integers, lots: NDArray[np.float64], most: int) -> tuple[Integers, NDArray[np.float64]]:
    """The positions with the `most` lowest lots, so that a choice made slab by slab is as fair as one made at once."""
    if len(positions) <= most:
        return positions, lots
    kept = np.sort(np.argpartition(lots, most)[:most])
    return positions[kept], lots[kept]
