"""Which tiles to compute so that a volume of any size can be predicted with true context and without seams.

A tile has a *core* that it owns, an *overlap* on each side over which it is blended with its neighbours, and a *halo* beyond that is read
as context and thrown away. Tiles start at multiples of the network's total stride; the volume is extended at its far end only, up to such
a multiple, exactly as the whole volume would be. With halo ≥ the network's field of view every tile therefore computes the very numbers
that the whole volume would give.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Triple = tuple[int, int, int]
Region = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Tile:
    """read: what the network sees (padded frame); keep: what is blended into the result, a part of `read`."""

    read: Region
    keep: Region


@dataclass(frozen=True)
class TilePlan:
    """All tiles of a volume, z-rows first, so that a finished row of tiles can be written and forgotten.

    shape: (Z, Y, X) of the volume; core, halo, overlap, multiple: (z, y, x) voxels. Raises CellmlError where the core or halo are no
    multiples.
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
        z_ranges, y_ranges, x_ranges = (self._ranges(axis) for axis in range(3))
        for z in z_ranges:
            yield [Tile((z[0], y[0], x[0]), (z[1], y[1], x[1])) for y in y_ranges for x in x_ranges]

    def _ranges(self, axis: int) -> list[tuple[slice, slice]]:
        """(read, keep) along one axis; the last core starts early rather than being a sliver."""
        size, core, step = self.padded[axis], self.core[axis], self.multiple[axis]
        reach = -(-(self.halo[axis] + self.overlap[axis]) // step) * step
        count = -(-size // core)
        even = -(-size // (count * step)) * step  # ceil(ceil(size / count) / step) = ceil(size / (count step))
        ranges = []
        for start in range(0, size, even):
            stop = min(start + even, size)
            keep = slice(max(0, start - self.overlap[axis]), min(size, stop + self.overlap[axis]))
            ranges.append((slice(max(0, start - reach), min(size, stop + reach)), keep))
        return ranges


def blending_window(plan: TilePlan, tile: Tile) -> NDArray[np.float32]:
    """Gaussian weights of a tile's kept region, (z, y, x): 1 inside, falling over the overlaps, flat at the border of the volume.

    w(d) = exp(−½ ((2o − d) / o)²) at depth d into the shared strip, whose full width is 2o.
    """
    parts = []
    for axis in range(3):
        keep, overlap = tile.keep[axis], plan.overlap[axis]
        weight = np.ones(keep.stop - keep.start, dtype=np.float32)
        if overlap:
            depth = np.arange(min(2 * overlap, len(weight))) + 0.5
            ramp = np.exp(-0.5 * ((2 * overlap - depth) / overlap) ** 2).astype(np.float32)
            if keep.start > 0:
                weight[: len(ramp)] *= ramp
            if keep.stop < plan.padded[axis]:
                weight[-len(ramp) :] *= ramp[::-1]
        parts.append(weight)
    return np.asarray(parts[0][:, None, None] * parts[1][None, :, None] * parts[2][None, None, :])


def plan_tiles(
    shape: Sequence[int], *, tile: Sequence[int], halo: Sequence[int], overlap: Sequence[int], multiple: Sequence[int]
) -> TilePlan:
    """A plan whose cores are at most `tile` voxels (rounded up to the network's stride) and never larger than the volume needs."""
    core = _triple(-(-min(t, n) // m) * m for t, n, m in zip(tile, shape, multiple, strict=True))
    overlap = _triple(min(o, c // 2) for o, c in zip(overlap, core, strict=True))
    return TilePlan(_triple(shape), core, _triple(halo), overlap, _triple(multiple))


def _triple(values: object) -> Triple:
    z, y, x = (int(v) for v in values)  # type: ignore[attr-defined]
    return (z, y, x)
