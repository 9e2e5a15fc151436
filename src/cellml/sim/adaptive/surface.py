"""Adaptivity on membranes: Laplace–Beltrami problems on triangles and their residual estimator.

    −∇_Γ·(D ∇_Γ u) + κ u = f on Γ,    u = g on fixed points,    no flux through other edges of the border.

With P1 elements on flat triangles,

    η_T² = α_T² ‖f − κ u_h‖²_T + ½ Σ_E D^(−1/2) α_E ‖[D ∇_Γ u_h · ν]‖²_E,

ν the conormal of each triangle at E: in its plane, normal to E, outwards. The jump is the sum over all triangles that meet at E, two on a
membrane, three or more where membranes meet (Kirchhoff's law), one on the border, where it counts in full (Demlow and Dziuk, SIAM J.
Numer. Anal. 45, 2007; without the part that the distance to a curved surface adds). Triangles in the plane make it the estimator in 2D.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.adaptive.edges import TRIANGLE_EDGES, Floats, Index, edges_of
from cellml.sim.adaptive.quadrature import TRIANGLE_POINTS, TRIANGLE_WEIGHTS
from cellml.sim.adaptive.solution import on_free
from cellml.sim.errors import SimulationError


@dataclass(frozen=True, eq=False)
class Membrane:
    """Triangles (T, 3) of points (P, 3) in µm, D in µm²/s and κ in 1/s, each a number or (T,)."""

    points: Floats
    triangles: Index
    diffusion: float | Floats = 1.0
    decay: float | Floats = 0.0

    @cached_property
    def areas(self) -> Floats:
        """Area of each triangle, (T,) in µm²."""
        a, b, c = (self.points[self.triangles[:, i]] for i in range(3))
        return np.asarray(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1))

    @cached_property
    def sides(self) -> Floats:
        """Vectors along the edges 01, 12, 20 of each triangle, (T, 3, 3)."""
        corners = self.points[self.triangles]
        return np.asarray(corners[:, TRIANGLE_EDGES[:, 1]] - corners[:, TRIANGLE_EDGES[:, 0]])

    @cached_property
    def conormals(self) -> Floats:
        """Unit vectors in the plane of each triangle, normal to its edges 01, 12, 20, outwards, (T, 3, 3)."""
        normal = np.cross(self.sides[:, 0], self.sides[:, 1])
        out = np.cross(self.sides, normal[:, None, :])
        return np.asarray(out / np.linalg.norm(out, axis=2, keepdims=True))

    @cached_property
    def gradients(self) -> Floats:
        """Surface gradients of the barycentric coordinates, (T, 3, 3): opposite to the conormal of the opposite edge, 12, 20, 01."""
        length = np.linalg.norm(self.sides, axis=2, keepdims=True)
        inner = -self.conormals * length / (2.0 * self.areas)[:, None, None]
        return np.asarray(inner[:, [1, 2, 0]])

    @property
    def edges(self) -> tuple[Index, Index]:
        """Edges (E, 2) and the numbers of the edges 01, 12, 20 of each triangle, (T, 3)."""
        return edges_of(self.triangles, TRIANGLE_EDGES)

    def coefficient(self, value: float | Floats) -> Floats:
        """A coefficient on each triangle, (T,)."""
        return np.broadcast_to(np.asarray(value, float), (len(self.triangles),))

    @cached_property
    def matrix(self) -> Any:
        """∫ D ∇_Γ φ_i·∇_Γ φ_j + κ φ_i φ_j, sparse (P, P)."""
        from scipy.sparse import coo_array

        local = (self.coefficient(self.diffusion) * self.areas)[:, None, None] * np.einsum("tik,tjk->tij", self.gradients, self.gradients)
        local += (self.coefficient(self.decay) * self.areas / 12.0)[:, None, None] * (np.ones((3, 3)) + np.eye(3))
        rows, columns = np.repeat(self.triangles, 3, axis=1).ravel(), np.tile(self.triangles, (1, 3)).ravel()
        return coo_array((local.ravel(), (rows, columns)), shape=(len(self.points),) * 2).tocsr()

    def quadrature(self) -> Floats:
        """Quadrature points, (T, Q, 3) in µm."""
        return np.asarray(np.einsum("qi,tij->tqj", TRIANGLE_POINTS, self.points[self.triangles]))

    def load(self, source: Floats) -> Floats:
        """∫ f φ_i, (P,), for f at the quadrature points, (T, Q)."""
        local = np.einsum("tq,q,qi,t->ti", source, TRIANGLE_WEIGHTS, TRIANGLE_POINTS, self.areas)
        return np.asarray(np.bincount(self.triangles.ravel(), local.ravel(), minlength=len(self.points)), float)


def solve_membrane(membrane: Membrane, source: Floats, fixed: Index, values: Floats) -> Floats:
    """The solution u at the points, (P,), NaN at points of no triangle.

    source: f at the quadrature points, (T, Q); fixed: points with prescribed values (F,), and the values. Raises SimulationError if
    neither a value nor κ fixes the level of u.
    """
    if len(fixed) == 0 and not (membrane.coefficient(membrane.decay) > 0).any():
        raise SimulationError("The problem leaves the level of u on the membrane open: fix a value, or give a decay above zero.")
    used = np.unique(membrane.triangles)
    u = np.zeros(len(membrane.points))
    u[fixed] = values
    free = np.setdiff1d(used, fixed)
    u[free] = on_free(membrane.matrix, membrane.load(source) - membrane.matrix @ u, free)
    u[np.setdiff1d(np.arange(len(u)), used)] = np.nan
    return u


@dataclass(frozen=True, eq=False)
class SurfaceIndicators:
    """η_T² by term, (T,) each: element residual, and jumps of the conormal flux."""

    interior: Floats
    jumps: Floats

    @property
    def squared(self) -> Floats:
        """η_T², (T,)."""
        return self.interior + self.jumps

    @property
    def total(self) -> float:
        """η = √Σ η_T²."""
        return float(np.sqrt(self.squared.sum()))


def surface_indicators(membrane: Membrane, u: Floats, source: Floats, fixed: Index) -> SurfaceIndicators:
    """The estimator for a P1 solution u (P,); source and fixed as in `solve_membrane`; see the module for the equation."""
    D, kappa = membrane.coefficient(membrane.diffusion), membrane.coefficient(membrane.decay)
    length = np.linalg.norm(membrane.sides, axis=2)
    nodal = u[membrane.triangles]
    residual = source - kappa[:, None] * (nodal @ TRIANGLE_POINTS.T)
    interior = _weight(length.max(axis=1), D, kappa) ** 2 * membrane.areas * (residual**2 @ TRIANGLE_WEIGHTS)

    flux = D[:, None] * np.einsum("ti,tik->tk", nodal, membrane.gradients)
    out = np.einsum("tk,tek->te", flux, membrane.conormals)
    edges, numbers = membrane.edges
    meeting = np.bincount(numbers.ravel(), minlength=len(edges))
    jump = np.asarray(np.bincount(numbers.ravel(), out.ravel(), minlength=len(edges)), float)
    jump[_held(edges, meeting, fixed, len(u))] = 0.0
    squared = (jump**2 / meeting)[numbers] * length
    jumps = (squared * _weight(length, D[:, None], kappa[:, None]) / np.sqrt(D)[:, None]).sum(axis=1)
    return SurfaceIndicators(interior, jumps)


def _weight(h: Floats, D: Floats, kappa: Floats) -> Floats:
    return np.asarray(1.0 / np.maximum(np.sqrt(D) / h, np.sqrt(kappa)))


def _held(edges: Index, meeting: Index, fixed: Index, count: int) -> NDArray[np.bool_]:
    """Edges of the border both of whose ends are fixed, (E,)."""
    mask = np.zeros(count, bool)
    mask[fixed] = True
    return np.asarray(mask[edges].all(axis=1) & (meeting == 1))
