"""Re-entrant corners and edges with exact solutions, and what adaptivity gains there.

Around a re-entrant corner of angle ω = 3π/2, u = r^(2/3) sin(2θ/3) is harmonic, zero on both legs, and its gradient is not bounded. Uniform
refinement then converges in energy like h^(2/3): N^(−1/3) in the plane and N^(−2/9) in space. Adaptive refinement recovers N^(−1/2) and
N^(−1/3) (Binev, Dahmen and DeVore 2004; isotropic elements allow it in space as the exponent 2/3 of an edge is large enough).

Errors are exact up to round-off. As u is harmonic, with n outwards and Green's formula,

    ‖∇(u − u_h)‖² = ∫_∂Ω (u − 2 u_h) ∂ₙu ds + ‖∇u_h‖²,

and the integral has no part on the legs, where u = u_h = 0, nor on the two ends of the prism, where ∂ₙu = 0: only the far sides count, on
which everything is smooth. Neither the singular gradient is integrated, nor does it matter that prescribed values are interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.adaptive.edges import Floats
from cellml.sim.adaptive.loop import Adaptation, Known, Stop, adapt
from cellml.sim.adaptive.marking import Marking, doerfler
from cellml.sim.adaptive.problem import SteadyProblem
from cellml.sim.adaptive.quadrature import TRIANGLE_POINTS, TRIANGLE_WEIGHTS
from cellml.sim.adaptive.solution import Solved
from cellml.sim.adaptive.surface import Membrane, solve_membrane, surface_indicators
from cellml.sim.analytic import boundary, box, oriented
from cellml.types import TetMesh


@dataclass(frozen=True)
class CornerRow:
    """One mesh: degrees of freedom, residual estimator and exact error in the energy norm."""

    unknowns: int
    estimator: float
    error: float

    @property
    def effectivity(self) -> float:
        """η over the error."""
        return self.estimator / self.error


def rate(rows: tuple[CornerRow, ...], *, least: int) -> float:
    """Exponent s of error ~ N^(−s), least squares over the meshes with at least `least` unknowns."""
    late = [row for row in rows if row.unknowns >= least]
    N, error = (np.log([getattr(row, name) for row in late]) for name in ("unknowns", "error"))
    return float(-np.polyfit(N, error, 1)[0])


def singular(points: Floats) -> Floats:
    """r^(2/3) sin(2θ/3) at points (N, ≥ 2); θ from the leg y = 0, x > 0 to the leg x = 0, y < 0, anticlockwise."""
    r, theta = _polar(points)
    return np.asarray(r ** (2 / 3) * np.sin(2 * theta / 3))


def singular_gradient(points: Floats) -> Floats:
    """∇u in the plane, (N, 2), for r > 0: (2/3) r^(−1/3) (−sin(θ/3), cos(θ/3))."""
    r, theta = _polar(points)
    return np.asarray(2 / 3 * (r ** (-1 / 3))[:, None] * np.stack([-np.sin(theta / 3), np.cos(theta / 3)], axis=1))


def _polar(points: Floats) -> tuple[Floats, Floats]:
    x, y = points[:, 0], points[:, 1]
    theta = np.arctan2(y, x)
    return np.hypot(x, y), np.where(theta < -1e-9, theta + 2 * np.pi, np.maximum(theta, 0.0))


def corner_prism(cells: int = 2) -> TetMesh:
    """(L-shape of three squares of 1 µm around the origin) × [0, 1] µm: facets `sides` (where x or y is constant) and `ends`."""
    block = box((2000.0, 2000.0, 1000.0), (2 * cells, 2 * cells, cells))
    points = block.points - np.array([1000.0, 1000.0, 0.0])
    centre = points[block.tets].mean(axis=1)
    used, tets = np.unique(block.tets[(centre[:, 0] < 0) | (centre[:, 1] > 0)], return_inverse=True)
    points, tets = points[used], oriented(points[used], tets.reshape(-1, 4))
    facets = boundary(tets)
    tags = np.where(np.ptp(points[facets][:, :, 2], axis=1) < 1e-6, 2, 1).astype(np.int32)
    return TetMesh(
        points, tets, np.ones(len(tets), np.int32), {1: "inside"}, facets, tags, {1: "sides", 2: "ends"}, "prism with a re-entrant edge"
    )


def prism_error(solved: Solved) -> float:
    """‖∇(u − u_h)‖ on the prism, by the formula of the module, in units of u µm^(1/2)."""
    elements = solved.elements
    sides = elements.facets("sides")
    corners = elements.mesh.points[sides] * 1e-3
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    far = _on_outer_square(corners)
    at = np.einsum("qi,fij->fqj", TRIANGLE_POINTS, corners[far])
    u, slope = singular(at.reshape(-1, 3)).reshape(at.shape[:2]), singular_gradient(at.reshape(-1, 3)).reshape(*at.shape[:2], 2)
    flux = np.einsum("fqk,fk->fq", slope, normal[far, :2]) / 2.0
    missed = u - 2.0 * solved.u[sides[far]] @ TRIANGLE_POINTS.T
    squared = float(np.einsum("fq,fq,q->", missed, flux, TRIANGLE_WEIGHTS)) + solved.energy
    return float(np.sqrt(squared))


def _on_outer_square(corners: Floats) -> NDArray[np.bool_]:
    """Triangles all of whose corners lie on the same side of the square |x|, |y| = 1, (F,)."""
    flat = [np.abs(corners[:, :, axis] - value).max(axis=1) < 1e-9 for axis in (0, 1) for value in (-1.0, 1.0)]
    return np.asarray(np.any(flat, axis=0))


def adapt_prism(*, unknowns: int, marking: Marking = doerfler, cells: int = 2, bisections: int = 1) -> Adaptation:
    """The loop on the prism, u prescribed on its sides; `everything` as marking with three bisections is uniform refinement."""
    problem = SteadyProblem(values={"sides": singular})
    stop = Stop(unknowns=unknowns, turns=100)
    return adapt(corner_prism(cells), problem, stop=stop, marking=marking, bisections=bisections, known=Known(error=prism_error))


def prism_rows(adaptation: Adaptation) -> tuple[CornerRow, ...]:
    """Rows of the curve with exact errors."""
    return tuple(CornerRow(row.unknowns, row.estimator, row.error) for row in adaptation.rows if row.error is not None)


def adapt_l_shape(*, unknowns: int, marking: Marking = doerfler) -> tuple[CornerRow, ...]:
    """The loop in the plane: scikit-fem's MeshTri is refined (red–green–blue), the estimator is that of membranes."""
    from skfem import MeshTri

    mesh, rows = MeshTri.init_lshaped().refined(1), []
    while True:
        # scikit-fem leaves out the quadrant x, y > 0; a quarter turn clockwise puts the legs where `singular` has them.
        points = np.column_stack([mesh.p[1], -mesh.p[0], np.zeros(mesh.nvertices)])
        membrane = Membrane(points, np.ascontiguousarray(mesh.t.T.astype(np.int64)))
        fixed = mesh.boundary_nodes()
        source = np.zeros((len(membrane.triangles), len(TRIANGLE_POINTS)))
        u = solve_membrane(membrane, source, fixed, singular(membrane.points[fixed]))
        indicators = surface_indicators(membrane, u, source, fixed)
        rows.append(CornerRow(len(points) - len(fixed), indicators.total, _l_shape_error(membrane, u)))
        if rows[-1].unknowns >= unknowns:
            return tuple(rows)
        chosen = marking(indicators.squared)
        mesh = mesh.refined() if len(chosen) == mesh.nelements else mesh.refined(chosen)


def _l_shape_error(membrane: Membrane, u: Floats) -> float:
    """‖∇(u − u_h)‖ on the L-shape, by the formula of the module."""
    edges, numbers = membrane.edges
    border = edges[np.bincount(numbers.ravel()) == 1]
    ends = membrane.points[border, :2]
    flat = [np.abs(ends[:, :, axis] - value).max(axis=1) < 1e-12 for axis in (0, 1) for value in (-1.0, 1.0)]
    far = np.any(flat, axis=0)
    middle = ends[far].mean(axis=1)
    normal = np.where(np.abs(np.abs(middle) - 1.0) < 1e-12, np.sign(middle), 0.0)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    shape = np.stack([(1 - nodes) / 2, (1 + nodes) / 2], axis=1)
    at = np.einsum("qi,fij->fqj", shape, ends[far])
    slope = singular_gradient(at.reshape(-1, 2)).reshape(at.shape)
    missed = singular(at.reshape(-1, 2)).reshape(at.shape[:2]) - 2.0 * u[border[far]] @ shape.T
    length = np.linalg.norm(ends[far, 1] - ends[far, 0], axis=1)
    squared = float(np.einsum("fq,fqk,fk,f,q->", missed, slope, normal, length, weights / 2))
    return float(np.sqrt(squared + u @ (membrane.matrix @ u)))
