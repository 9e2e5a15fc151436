"""Local refinement: conforming bisection of marked tetrahedra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.adaptive.edges import TET_EDGES, Floats, Index, edge_keys, ends_of
from cellml.sim.adaptive.marks import MarkedTets, halves, mark_longest, mark_longest_of_facets
from cellml.sim.adaptive.projection import Distance, project_boundary
from cellml.sim.adaptive.uniform import prolongation
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh


@dataclass(frozen=True, eq=False)
class Bisection:
    """A TetMesh that can be refined locally: its tetrahedra and facets stand in the order of their marked edges.

    mesh.tets are marked.corners, and mesh.facets begin with their marked edge. Refine a `Bisection`, not its mesh alone: marks that are
    made anew after each refinement would bound no angle.
    """

    mesh: TetMesh
    marked: MarkedTets

    @classmethod
    def of(cls, mesh: TetMesh) -> Bisection:
        """Mark longest edges. Any conforming mesh will do."""
        marked = mark_longest(mesh.points, mesh.tets)
        facets = mark_longest_of_facets(mesh.points, mesh.facets) if len(mesh.facets) else mesh.facets
        return cls(replace(mesh, tets=marked.corners, facets=facets), marked)


@dataclass(frozen=True, eq=False)
class Refinement:
    """What a refinement gave.

    bisection: the finer mesh; prolongation: sparse (P', P), P1 functions of the old mesh on the new points; parents: (T',) tetrahedron of
    the old mesh that each new one is part of, or is; new: numbers of the new points.
    """

    bisection: Bisection
    prolongation: Any
    parents: Index
    new: Index

    @property
    def mesh(self) -> TetMesh:
        """The finer mesh."""
        return self.bisection.mesh

    def then(self, later: Refinement) -> Refinement:
        """One refinement out of these: this and a later one of its result."""
        new = np.concatenate([self.new, later.new])
        return Refinement(later.bisection, later.prolongation @ self.prolongation, self.parents[later.parents], new)


def bisect(
    bisection: Bisection,
    chosen: Index | NDArray[np.bool_],
    *,
    distance: Distance | None = None,
    surfaces: tuple[str, ...] | None = None,
    rims: Mapping[tuple[str, str], Distance] | None = None,
) -> Refinement:
    """Halve the chosen tetrahedra at their refinement edges, and as many others as it takes to leave no hanging node.

    chosen: numbers, or a mask (T,). Regions, facet tags, and with them patches, membranes and the lines where they meet, pass to the
    children exactly; points keep their numbers. distance, surfaces, rims: see `project_boundary`, called on the new points.
    Raises SimulationError for a mask or numbers that do not fit the mesh. (Arnold, Mukherjee and Pouly 2000, algorithm LocalRefine.)
    """
    mesh = bisection.mesh
    todo = _mask(chosen, len(mesh.tets))
    tets, parents, halved = bisection.marked, np.arange(len(mesh.tets)), _Halved(mesh.points)
    while todo.any():
        first, second = halves(split := tets.take(todo), halved.middles(split.corners[:, :2]))
        kept, origin = ~todo, parents[todo]
        tets = tets.take(kept).joined(first).joined(second)
        parents = np.concatenate([parents[kept], origin, origin])
        todo = halved.hangs(tets.corners)
    facets, tags = _split_facets(mesh.facets, mesh.facet_tags, halved)
    fine = replace(mesh, points=halved.points, tets=tets.corners, regions=mesh.regions[parents], facets=facets, facet_tags=tags)
    new = np.arange(len(mesh.points), len(fine.points))
    if distance is not None:
        fine = project_boundary(fine, new, distance, surfaces=surfaces, rims=rims)
    return Refinement(Bisection(fine, tets), halved.prolongation(), parents, new)


def _mask(chosen: Index | NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    if chosen.dtype == bool and chosen.shape != (count,):
        raise SimulationError(f"A mask of shape {chosen.shape} does not choose among {count} tetrahedra; give one value for each.")
    numbers = np.flatnonzero(chosen) if chosen.dtype == bool else np.asarray(chosen, np.int64)
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= count):
        raise SimulationError(f"Tetrahedra {numbers.min()} to {numbers.max()} were chosen, but there are {count}.")
    mask = np.zeros(count, bool)
    mask[numbers] = True
    return mask


class _Halved:
    """The edges that were halved so far, and the points that this made."""

    def __init__(self, points: Floats) -> None:
        self.points = points
        self._keys = np.zeros(0, np.int64)
        self._middles = np.zeros(0, np.int64)
        self._touched = np.zeros(len(points), bool)
        self._passes: list[tuple[Index, int]] = []

    def find(self, ends: Index) -> Index:
        """Midpoints of edges (…, 2), −1 where one was not halved."""
        keys = edge_keys(ends)
        if len(self._keys) == 0:
            return np.full(keys.shape, -1, np.int64)
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.asarray(np.where(self._keys[place] == keys, self._middles[place], -1))

    def middles(self, ends: Index) -> Index:
        """Midpoints (N,) of edges (N, 2), made where they are missing."""
        missing = np.unique(edge_keys(ends[self.find(ends) < 0]))
        if len(missing):
            pairs, count = ends_of(missing), len(self.points)
            self._passes.append((pairs, count))
            self.points = np.concatenate([self.points, 0.5 * (self.points[pairs[:, 0]] + self.points[pairs[:, 1]])])
            self._touched = np.concatenate([self._touched, np.zeros(len(missing), bool)])
            self._touched[pairs] = True
            keys = np.concatenate([self._keys, missing])
            order = np.argsort(keys)
            self._keys = keys[order]
            self._middles = np.concatenate([self._middles, count + np.arange(len(missing))])[order]
        return self.find(ends)

    def hangs(self, tets: Index) -> NDArray[np.bool_]:
        """Which tetrahedra have an edge that was halved, (T,)."""
        near = np.flatnonzero(self._touched[tets].sum(axis=1) >= 2)
        hanging = np.zeros(len(tets), bool)
        hanging[near] = (self.find(tets[near][:, TET_EDGES]) >= 0).any(axis=1)
        return hanging

    def prolongation(self) -> Any:
        """P1 functions of the first points on all points, sparse."""
        from scipy.sparse import eye_array

        if not self._passes:
            return eye_array(len(self.points), format="csr")
        matrices = [prolongation(ends, count) for ends, count in self._passes]
        product = matrices[0]
        for matrix in matrices[1:]:
            product = matrix @ product
        return product


def _split_facets(facets: Index, tags: NDArray[np.int32], halved: _Halved) -> tuple[Index, NDArray[np.int32]]:
    """Halve facets like the faces they are: at the marked edge, children marked opposite to the midpoint; their orientation stays."""
    while len(facets):
        middle = halved.find(facets[:, :2])
        cut = middle >= 0
        if not cut.any():
            break
        (a, b, c), m = facets[cut].T, middle[cut]
        facets = np.concatenate([facets[~cut], np.stack([c, a, m], axis=1), np.stack([b, c, m], axis=1)])
        tags = np.concatenate([tags[~cut], tags[cut], tags[cut]])
    return facets, tags
