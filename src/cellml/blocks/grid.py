"""Blocks that tile a volume, so that each voxel belongs to one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from cellml.errors import CellmlError

Triple = tuple[int, int, int]
Region = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Grid:
    """shape: (Z, Y, X) of the volume; block: (z, y, x) voxels of a block, those at the far end being smaller. Blocks are numbered from 0
    in memory order. Raises CellmlError for a block without voxels.
    """

    shape: Triple
    block: Triple

    def __post_init__(self) -> None:
        if min(self.block) < 1 or len(self.block) != 3:
            raise CellmlError(f"block={list(self.block)} must be three numbers of voxels (z, y, x), such as [256,256,256].")

    @property
    def counts(self) -> Triple:
        """Blocks along (z, y, x)."""
        z, y, x = (-(-n // b) for n, b in zip(self.shape, self.block, strict=True))
        return (z, y, x)

    def __len__(self) -> int:
        z, y, x = self.counts
        return z * y * x

    def region(self, number: int) -> Region:
        """The voxels of a block."""
        z, y, x = (
            slice(place * b, min((place + 1) * b, n)) for place, b, n in zip(self._place(number), self.block, self.shape, strict=True)
        )
        return (z, y, x)

    def faces(self) -> Iterator[tuple[int, int, int]]:
        """(axis, number of the block before the face, number of the one behind it) of each face between two blocks."""
        counts = self.counts
        for place in product(*(range(n) for n in counts)):
            for axis in range(3):
                if place[axis] > 0:
                    before = tuple(p - (a == axis) for a, p in enumerate(place))
                    yield axis, self._number(before), self._number(place)

    def _place(self, number: int) -> Triple:
        _, y, x = self.counts
        return (number // (y * x), number // x % y, number % x)

    def _number(self, place: Sequence[int]) -> int:
        _, y, x = self.counts
        return (place[0] * y + place[1]) * x + place[2]


def grown(region: Region, context: int, shape: Sequence[int]) -> tuple[Region, Region]:
    """A region with `context` voxels more on each side, as far as the volume goes, and where the region lies in that."""
    outer = tuple(slice(max(0, r.start - context), min(n, r.stop + context)) for r, n in zip(region, shape, strict=True))
    inner = tuple(slice(r.start - o.start, r.stop - o.start) for r, o in zip(region, outer, strict=True))
    return outer, inner  # type: ignore[return-value]
