"""Which regions of a segmentation lie at given offsets from each other, and the affinities between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from cellml.segmentation.neighbourhood import Offset, pair_slices


@dataclass(frozen=True, eq=False)
class RegionGraph:
    """Edges between pairs of regions u < v.

    u, v: (E,) int64 region numbers, sorted; counts: (E,) pairs of voxels behind each edge; sums: (E,) sum of their affinities.
    """

    u: NDArray[np.int64]
    v: NDArray[np.int64]
    counts: NDArray[np.float64]
    sums: NDArray[np.float64]

    @property
    def means(self) -> NDArray[np.float64]:
        """Mean affinity of each edge, (E,)."""
        return self.sums / self.counts

    def renumbered(self, number: NDArray[Any]) -> RegionGraph:
        """The graph after region r has become number[r]; merged edges add up, edges within a region vanish."""
        u, v = number[self.u], number[self.v]
        keep = u != v
        return _added(u[keep], v[keep], self.counts[keep], self.sums[keep], size=int(number.max(initial=0)) + 1)


def region_graph(labels: NDArray[Any], affinities: NDArray[Any], offsets: Sequence[Offset], *, stride: int = 1) -> RegionGraph:
    """Edges between all regions > 0 that have voxels v and v + o in them, for o in `offsets`.

    labels: (Z, Y, X) integers; affinities: (K, Z, Y, X); stride: take only every stride-th pair along z, y and x.
    """
    size = int(labels.max()) + 1
    parts = [_pairs(labels, affinities[k], offset, stride) for k, offset in enumerate(offsets)]
    u, v, sums = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return _added(u, v, np.ones(len(u)), sums, size=size)


def _pairs(labels: NDArray[Any], channel: NDArray[Any], offset: Offset, stride: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    here, there = pair_slices(labels.shape, offset)
    every = (slice(None, None, stride),) * 3
    a, b = labels[here][every], labels[there][every]
    crossing = (a != b) & (a > 0) & (b > 0)
    return a[crossing], b[crossing], channel[here][every][crossing].astype(np.float64)


def _added(u: NDArray[Any], v: NDArray[Any], counts: NDArray[Any], sums: NDArray[Any], size: int) -> RegionGraph:
    low, high = np.minimum(u, v).astype(np.int64), np.maximum(u, v).astype(np.int64)
    # sums may be 0 and would then vanish from a sparse matrix: their real parts travel with the counts, which never are
    total = coo_array((counts + 1j * sums, (low, high)), shape=(size, size)).tocsr()
    total.sum_duplicates()
    edges = total.tocoo()
    return RegionGraph(edges.row.astype(np.int64), edges.col.astype(np.int64), edges.data.real.copy(), edges.data.imag.copy())
