"""The union of all membranes of a mesh: where it branches, and whether it branches there only.

Membranes are the facets between two regions, or between a region and the outside. Their union is a surface except along lines where three
or more regions meet, as the plasma membrane, a cut and an organelle do. There it must branch, once for each region; any other edge with
more than two membranes is a defect (two parts of one region that touch in an edge).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import FacetPairs, Index, edges_of

Floats = NDArray[np.float64]

OUTSIDE = "outside"
NO_REGION = np.iinfo(np.int32).min


@dataclass(frozen=True)
class TripleLine:
    """Where three or more regions meet: their names ("outside" among them where it is one), the number of edges and their length in nm."""

    regions: tuple[str, ...]
    edges: int
    length_nm: float


@dataclass(frozen=True, eq=False)
class Membranes:
    """Facets between regions and around the mesh.

    facets: (F, 3), outward from the first region; sides: (F, 2), numbers of the regions on the two sides, NO_REGION for the outside.
    """

    facets: Index
    sides: Index

    def around(self, region: int) -> Index:
        """The boundary of a region, (F', 3), outward."""
        return np.concatenate([self.facets[self.sides[:, 0] == region], self.facets[self.sides[:, 1] == region][:, ::-1]])


def membranes(pairs: FacetPairs, regions: NDArray[np.int32]) -> Membranes:
    """The facets where two regions, or a region and the outside, meet; regions: (T,)."""
    first = regions[pairs.first].astype(np.int64)
    second = np.where(pairs.second < 0, NO_REGION, regions[pairs.second])
    chosen = first != second
    return Membranes(pairs.facets[chosen], np.stack([first, second], axis=1)[chosen])


def triple_lines(points: Floats, found: Membranes, names: Mapping[int, str]) -> tuple[tuple[TripleLine, ...], int]:
    """The lines where three or more regions meet, and the number of other edges with more than two membranes.

    points: (P, 3) in nm; names: of region numbers. Around an edge, membranes and regions alternate: with as many different regions as
    membranes each region has one wedge, and every compartment is manifold there.
    """
    if len(found.facets) == 0:
        return (), 0
    edges, edge_of = edges_of(found.facets)
    uses = np.bincount(edge_of.ravel(), minlength=len(edges))
    branching = uses[edge_of.ravel()] > 2
    edge = np.repeat(edge_of.ravel()[branching], 2)
    region = np.repeat(found.sides, 3, axis=0)[branching].ravel()
    meeting = np.unique(np.stack([edge, region], axis=1), axis=0)
    edge, start, count = np.unique(meeting[:, 0], return_index=True, return_counts=True)
    regular = (count == uses[edge]) & (count > 2)
    groups: dict[tuple[int, ...], list[int]] = {}
    for e, first, n in zip(edge[regular].tolist(), start[regular].tolist(), count[regular].tolist(), strict=True):
        groups.setdefault(tuple(meeting[first : first + n, 1].tolist()), []).append(e)
    lengths = np.linalg.norm(points[edges[:, 1]] - points[edges[:, 0]], axis=1)
    lines = tuple(
        TripleLine(tuple(names.get(n, OUTSIDE if n == NO_REGION else str(n)) for n in group), len(at), float(lengths[at].sum()))
        for group, at in sorted(groups.items())
    )
    return lines, int((~regular).sum())
