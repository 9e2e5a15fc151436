"""Narrow escape from a ball: the mean time until a molecule finds a small absorbing cap, on a mesh graded to the rim of the cap.

    −D Δt = 1,   t = 0 on the cap,   ∂ₙt = 0 elsewhere;        τ = ∫ t dx / V

is the mean over a uniform start. For a cap of geodesic radius a on a ball of radius R (Cheviakov, Ward and Straube, Multiscale Model.
Simul. 8, 2010, for a single trap):

    τ ≈ V / (4aD) · [1 + (a/πR)(ln(R/2a) − 3/10)].

The flux is singular like 1/√distance at the rim, so that uniform meshes converge with N^(−1/6) in energy. Here the goal is τ itself, and
the dual weighted residual refines; new points go to the sphere, and new points of the rim to its circle.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cellml.sim.adaptive.bisection import Bisection, bisect
from cellml.sim.adaptive.edges import Floats
from cellml.sim.adaptive.loop import Adaptation, Stop, adapt, projecting
from cellml.sim.adaptive.problem import Goal, SteadyProblem
from cellml.sim.adaptive.projection import Distance, project_boundary
from cellml.sim.analytic import ball
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh

RADIUS = 1000.0  # nm


def narrow_escape_time(a: float, *, D: float = 1.0) -> float:
    """τ in s of the formula for the ball of radius 1 µm; a in µm, D in µm²/s."""
    return float(4 * np.pi / 3 / (4 * a * D) * (1 + a / np.pi * (np.log(1 / (2 * a)) - 0.3)))


def sphere(points: Floats) -> tuple[Floats, Floats]:
    """Signed distance to the sphere, and its gradient."""
    radius = np.linalg.norm(points, axis=1)
    return radius - RADIUS, points / np.maximum(radius, 1e-12)[:, None]


def cap_cone(a: float) -> Distance:
    """The angle from the north pole less that of the rim, times R: zero on the cone through the rim. a in µm."""

    def signed(points: Floats) -> tuple[Floats, Floats]:
        x, y, z = points.T
        flat, radius = np.maximum(np.hypot(x, y), 1e-9), np.linalg.norm(points, axis=1)
        angle = np.arctan2(flat, z)
        gradient = np.stack([z * x / flat, z * y / flat, -flat], axis=1) / np.maximum(radius**2, 1e-9)[:, None]
        return RADIUS * (angle - a), RADIUS * gradient

    return signed


def ball_with_cap(a: float, *, refinements: int = 4, rings: float = 2.0) -> TetMesh:
    """The ball, facets `cap` around the north pole and `wall` elsewhere, with edges of at most a/rings around the rim.

    A ball of equal elements is bisected towards the cap; of each edge of the surface that crosses the rim, the nearer end moves onto it.
    a: geodesic radius in µm. Raises SimulationError if a is not between 0 and π/2, or the rim cannot be made without spoiling tetrahedra.
    """
    if not 0 < a < np.pi / 2:
        raise SimulationError(f"The cap has a geodesic radius of {a} µm on a ball of radius 1 µm; it must lie between 0 and π/2.")
    cone, state = cap_cone(a), Bisection.of(ball(RADIUS, refinements))
    while (coarse := _coarse(state.mesh, cone, 1e3 * a / rings, 2e3 * a)).any():
        state = bisect(state, coarse, distance=sphere).bisection
    return _with_rim(state.mesh, cone)


def _coarse(mesh: TetMesh, cone: Distance, edge: float, reach: float) -> NDArray[np.bool_]:
    """Tetrahedra at the surface, near the rim, whose longest edge is above `edge` plus half their distance from the rim (nm), (T,)."""
    corners = mesh.points[mesh.tets]
    size = np.linalg.norm(corners[:, :, None] - corners[:, None], axis=3).max(axis=(1, 2))
    depth = RADIUS - np.linalg.norm(corners, axis=2).max(axis=1)
    off = np.abs(cone(corners.reshape(-1, 3))[0]).reshape(-1, 4).min(axis=1)
    return np.asarray((size > edge + 0.5 * off) & (depth < size) & (off < reach + size))


def _with_rim(mesh: TetMesh, cone: Distance) -> TetMesh:
    """Ends of crossing edges moved to the rim, then facets named by the side of the rim they lie on."""
    ends = np.unique(np.sort(mesh.facets[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    side = cone(mesh.points[ends.ravel()])[0].reshape(-1, 2)
    crossing = (side[:, 0] < 0) != (side[:, 1] < 0)
    near = np.where(np.abs(side[:, 0]) < np.abs(side[:, 1]), ends[:, 0], ends[:, 1])[crossing]
    tagged = replace(mesh, facet_tags=np.ones(len(mesh.facets), np.int32), facet_names={1: "wall"})
    moved = project_boundary(tagged, np.unique(near), _both(cone), least_quality=0.05)
    angle = cone(moved.points)[0]
    if np.abs(angle[near]).max() > 1e-6 * RADIUS:
        raise SimulationError(f"The rim of the cap is off by {np.abs(angle[near]).max():.3g} nm; use a finer mesh around it.")
    inside = cone(moved.points[moved.facets].mean(axis=1))[0] < 0
    return replace(moved, facet_tags=np.where(inside, 2, 1).astype(np.int32), facet_names={1: "wall", 2: "cap"})


def _both(cone: Distance) -> Distance:
    """|cone| and sphere as one function whose zero set is the rim: √(φ² + ψ²)."""

    def joined(points: Floats) -> tuple[Floats, NDArray[np.float64]]:
        (phi, slope), (psi, other) = sphere(points), cone(points)
        value = np.maximum(np.hypot(phi, psi), 1e-12)
        return value, (phi[:, None] * slope + psi[:, None] * other) / value[:, None]

    return joined


def escape(a: float, *, unknowns: int = 20_000, D: float = 1.0, refinements: int = 4, bisections: int = 2) -> Adaptation:
    """τ by the adaptive loop; `.goal.improved` is its best value in s, rows hold J(u_h) and its estimated error. a in µm, D in µm²/s.

    The mean is over the volume of the mesh, and the source is scaled to the volume of the ball, as the ball is a little larger.
    """
    mesh = ball_with_cap(a, refinements=refinements)
    volume = float(mesh.volumes().sum()) * 1e-9
    problem = SteadyProblem(diffusion=D, source=4 * np.pi / 3 / volume, values={"cap": 0.0})
    refine = projecting(sphere, rims={("cap", "wall"): cap_cone(a)})
    stop = Stop(unknowns=unknowns)
    return adapt(mesh, problem, goal=Goal(1.0 / volume), stop=stop, refine=refine, bisections=bisections)
