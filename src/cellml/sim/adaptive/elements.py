"""P1 elements on a TetMesh: geometry and the assembled problem, in closed form and without a loop over elements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.sim.adaptive.edges import Faces, Floats, Index, faces_of
from cellml.sim.adaptive.problem import Field, Goal, SteadyProblem, at_points, on_tets, on_triangles
from cellml.sim.adaptive.quadrature import TET_POINTS, TET_WEIGHTS, TRIANGLE_POINTS, TRIANGLE_WEIGHTS
from cellml.sim.domain import UM_PER_NM
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh

_CENTRE = np.full((1, 4), 0.25)


@dataclass(frozen=True, eq=False)
class Elements:
    """A mesh and a problem on it. Lengths are µm here."""

    mesh: TetMesh
    problem: SteadyProblem

    @cached_property
    def volumes(self) -> Floats:
        """Volume of each tetrahedron, (T,)."""
        return self.mesh.volumes() * UM_PER_NM**3

    @cached_property
    def gradients(self) -> Floats:
        """Gradients of the four barycentric coordinates, (T, 4, 3): outward area vectors of the faces, times −1/3V."""
        corners = self.mesh.points[self.mesh.tets] * UM_PER_NM
        a, b, c = (corners[:, i] - corners[:, 0] for i in (1, 2, 3))
        inner = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1) / (6.0 * self.volumes)[:, None, None]
        return np.concatenate([-inner.sum(axis=1, keepdims=True), inner], axis=1)

    @cached_property
    def diameters(self) -> Floats:
        """Longest edge of each tetrahedron, (T,)."""
        corners = self.mesh.points[self.mesh.tets] * UM_PER_NM
        return np.asarray(np.linalg.norm(corners[:, :, None] - corners[:, None], axis=3).max(axis=(1, 2)))

    @cached_property
    def diffusion(self) -> Floats:
        """D of each tetrahedron, (T,). Raises SimulationError where it is not positive."""
        values = on_tets(self.mesh, self.problem.diffusion, _CENTRE)[:, 0]
        if (values <= 0).any():
            raise SimulationError(f"D must be positive, but is {values.min():g} µm²/s in {int((values <= 0).sum())} tetrahedra.")
        return values

    @cached_property
    def decay(self) -> Floats:
        """κ of each tetrahedron, (T,). Raises SimulationError where it is negative."""
        values = on_tets(self.mesh, self.problem.decay, _CENTRE)[:, 0]
        if (values < 0).any():
            raise SimulationError(f"κ must not be negative, but is {values.min():g} 1/s in {int((values < 0).sum())} tetrahedra.")
        return values

    @cached_property
    def source(self) -> Floats:
        """The source f at the quadrature points, (T, Q)."""
        return on_tets(self.mesh, self.problem.source, TET_POINTS)

    @cached_property
    def faces(self) -> Faces:
        """Faces of the mesh."""
        return faces_of(self.mesh.tets)

    def facets(self, name: str) -> Index:
        """Facets of a name, (F, 3). Raises SimulationError if there are none."""
        try:
            found = self.mesh.facets_named(name)
        except CellmlError as missing:
            raise SimulationError(str(missing)) from None
        if len(found) == 0:
            raise SimulationError(f"{self.mesh.name!r} knows the name {name!r}, but no facet has it.")
        return found

    def facet_areas(self, facets: Index) -> Floats:
        """Area of triangles (F, 3), (F,)."""
        a, b, c = (self.mesh.points[facets[:, i]] * UM_PER_NM for i in range(3))
        return np.asarray(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1))

    @cached_property
    def fixed(self) -> tuple[Index, Floats]:
        """Points with prescribed values and the values, (F,) each; where surfaces of two names meet, the later name wins."""
        values = np.full(len(self.mesh.points), np.nan)
        for name, given in self.problem.values.items():
            points = np.unique(self.facets(name))
            values[points] = at_points(self.mesh, points, given)
        fixed = np.flatnonzero(np.isfinite(values))
        return fixed, values[fixed]

    @cached_property
    def free(self) -> Index:
        """Points that carry an unknown: those of a tetrahedron without a prescribed value."""
        return np.setdiff1d(np.unique(self.mesh.tets), self.fixed[0])

    @cached_property
    def fixed_facets(self) -> Index:
        """All facets with prescribed values, (F, 3)."""
        return np.concatenate([np.zeros((0, 3), np.int64), *(self.facets(name) for name in self.problem.values)])

    @cached_property
    def matrix(self) -> Any:
        """A_ij = ∫ D ∇φ_i·∇φ_j + κ φ_i φ_j + ∫ α φ_i φ_j ds, sparse (P, P)."""
        weight = (self.diffusion * self.volumes)[:, None, None]
        local = weight * np.einsum("tik,tjk->tij", self.gradients, self.gradients)
        local += (self.decay * self.volumes / 20.0)[:, None, None] * (np.ones((4, 4)) + np.eye(4))
        total = _assembled(self.mesh.tets, local, len(self.mesh.points))
        for name, exchange in self.problem.exchange.items():
            facets = self.facets(name)
            alpha = on_triangles(self.mesh, facets, exchange.permeability, TRIANGLE_POINTS) * self.facet_areas(facets)[:, None]
            local = np.einsum("fq,q,qi,qj->fij", alpha, TRIANGLE_WEIGHTS, TRIANGLE_POINTS, TRIANGLE_POINTS)
            total = total + _assembled(facets, local, len(self.mesh.points))
        return total

    @cached_property
    def load(self) -> Floats:
        """b_i = ∫ f φ_i + ∫ q φ_i ds, (P,)."""
        return self.functional(self.problem.source, {name: exchange.flux for name, exchange in self.problem.exchange.items()})

    def goal(self, goal: Goal) -> Floats:
        """J(φ_i), (P,)."""
        return self.functional(goal.density, goal.facets)

    def functional(self, density: Field, facets: Any) -> Floats:
        """∫ density φ_i + Σ ∫ w φ_i ds, (P,)."""
        values = on_tets(self.mesh, density, TET_POINTS) * self.volumes[:, None]
        total = _summed(self.mesh.tets, np.einsum("tq,q,qi->ti", values, TET_WEIGHTS, TET_POINTS), len(self.mesh.points))
        for name, given in facets.items():
            own = self.facets(name)
            values = on_triangles(self.mesh, own, given, TRIANGLE_POINTS) * self.facet_areas(own)[:, None]
            total += _summed(own, np.einsum("fq,q,qi->fi", values, TRIANGLE_WEIGHTS, TRIANGLE_POINTS), len(self.mesh.points))
        return total

    def gradient(self, u: Floats) -> Floats:
        """∇u of a P1 function (P,), (T, 3)."""
        return np.asarray(np.einsum("ti,tik->tk", u[self.mesh.tets], self.gradients))


def _assembled(cells: Index, local: Floats, count: int) -> Any:
    from scipy.sparse import coo_array

    corners = cells.shape[1]
    rows, columns = np.repeat(cells, corners, axis=1).ravel(), np.tile(cells, (1, corners)).ravel()
    return coo_array((local.ravel(), (rows, columns)), shape=(count, count)).tocsr()


def _summed(cells: Index, local: Floats, count: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(cells.ravel(), weights=local.ravel(), minlength=count), float)
