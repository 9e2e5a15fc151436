"""Which tiles to compute so that a volume of any size can be predicted with true context and without seams.

A tile has a *core* that it owns, an *overlap* on each side over which it is blended with its neighbours, and a *halo* beyond that is read
as context and thrown away. Tiles start at multiples of the network's total stride; the volume is extended at its far end only, up to such
a multiple, exactly as the whole volume would be. With halo ≥ the network's field of view every tile therefore computes the very numbers
that the whole volume would give.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Triple = tuple[int, int, int]
Region = tuple[slice, slice, slice]
Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Tile:
    """One pass of the network.

    read: what the network sees (padded frame); keep: what is blended into the result, a part of `read`; weights: along z, y and x, one
    number for each voxel of `keep`; the weights of a voxel are the product of the three, and those of all tiles add up to 1.
    """

    read: Region
    keep: Region
    weights: tuple[Weights, Weights, Weights]

    def kept_in(self, shape: Sequence[int]) -> Region:
        """What of `keep` lies inside a volume of shape (Z, Y, X), not in its padding."""
        z, y, x = (slice(k.start, min(k.stop, n)) for k, n in zip(self.keep, shape, strict=True))
        return (z, y, x)


@dataclass(frozen=True)
class TilePlan:
    """All tiles of a volume, z-rows first, so that a finished row of tiles can be written and forgotten.

    shape: (Z, Y, X) of the volume; core: what an inner tile owns; halo, overlap, multiple: (z, y, x) voxels. Raises CellmlError where the
    core is no multiple, or the overlap more than half of it.
    """

    shape: Triple
    core: Triple
    halo: Triple
    overlap: Triple
    multiple: Triple

    def __post_init__(self) -> None:
        for axis, name in enumerate("zyx"):
            if self.core[axis] % self.multiple[axis] or self.core[axis] <= 0:
                raise CellmlError(
                    f"The tile has {self.core[axis]} voxels along {name}; it must be a positive multiple of {self.multiple[axis]}."
                )
            if self.overlap[axis] > self.core[axis] // 2:
                raise CellmlError(f"The overlap along {name} is {self.overlap[axis]}; it may be at most half the tile ({self.core[axis]}).")

    @property
    def padded(self) -> Triple:
        """The volume's shape, extended at its far end to multiples of the network's stride."""
        return _triple(-(-n // m) * m for n, m in zip(self.shape, self.multiple, strict=True))

    @property
    def computed_voxels(self) -> int:
        """Voxels that pass through the network, halos included."""
        return sum(int(np.prod([s.stop - s.start for s in tile.read])) for row in self.rows() for tile in row)

    def rows(self) -> Iterator[list[Tile]]:
        """One list of tiles for each layer along z."""
        z_parts, y_parts, x_parts = (self._parts(axis) for axis in range(3))
        for z in z_parts:
            yield [Tile(*zip(z, y, x, strict=True)) for y in y_parts for x in x_parts]  # type: ignore[arg-type]

    def _parts(self, axis: int) -> list[tuple[slice, slice, Weights]]:
        """(read, keep, weights) along one axis: even cores, those at the border larger by the context they do not need."""
        size, core, step, overlap = self.padded[axis], self.core[axis], self.multiple[axis], self.overlap[axis]
        reach = -(-(self.halo[axis] + overlap) // step) * step
        inner = size - 2 * reach
        even = -(-inner // (-(-inner // core) * step)) * step if inner > core else size
        edges = [0, *range(reach + even, size - reach, even), size]
        cores = list(pairwise(edges))
        keeps = [slice(max(0, start - overlap), min(size, stop + overlap)) for start, stop in cores]
        windows = [gaussian_window(keep, overlap, size) for keep in keeps]
        total = np.zeros(size)
        for keep, window in zip(keeps, windows, strict=True):
            total[keep] += window
        reads = [slice(max(0, start - reach), min(size, stop + reach)) for start, stop in cores]
        return [(r, k, (w / total[k]).astype(np.float32)) for r, k, w in zip(reads, keeps, windows, strict=True)]


def gaussian_window(keep: slice, overlap: int, size: int) -> NDArray[np.float64]:
    """Weights along one axis of length `size`: 1 inside, falling over the strips that two tiles share, flat at the border of the volume.

    w(d) = exp(−½ ((2o − d) / o)²) at depth d into the shared strip, whose full width is 2o.
    """
    weight = np.ones(keep.stop - keep.start)
    if overlap:
        depth = np.arange(min(2 * overlap, len(weight))) + 0.5
        ramp = np.exp(-0.5 * ((2 * overlap - depth) / overlap) ** 2)
        if keep.start > 0:
            weight[: len(ramp)] *= ramp
        if keep.stop < size:
            weight[-len(ramp) :] *= ramp[::-1]
    return weight


def plan_tiles(
    shape: Sequence[int], *, tile: Sequence[int], halo: Sequence[int], overlap: Sequence[int], multiple: Sequence[int]
) -> TilePlan:
    """A plan whose tiles show the network at most `tile` voxels (rounded up to the network's stride) and their context on both sides."""
    core = _triple(-(-min(t, n) // m) * m for t, n, m in zip(tile, shape, multiple, strict=True))
    overlap = _triple(min(o, c // 2) for o, c in zip(overlap, core, strict=True))
    return TilePlan(_triple(shape), core, _triple(halo), overlap, _triple(multiple))


def _triple(values: object) -> Triple:
    z, y, x = (int(v) for v in values)  # type: ignore[attr-defined]
    return (z, y, x)
