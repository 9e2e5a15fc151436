"""Creeping flow: Stokes' equations with Taylor–Hood elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.sim.direct import Solve, factorise
from cellml.sim.errors import SimulationError
from cellml.sim.flow.conditions import Load, Opening, Velocity
from cellml.sim.flow.saddle import block_solver, pressure_by_cg
from cellml.sim.mechanics.assembly import isotropic_stiffness, scatter_matrix, vector_unknowns
from cellml.sim.mechanics.conditions import nodal_load, supports
from cellml.sim.mechanics.rigid import free_motions
from cellml.sim.mechanics.space import Floats, Projection, Space
from cellml.types import TetMesh

_LEAK = 1e-3
_ROUND_OFF = 1e-14


@dataclass(frozen=True, eq=False)
class Flow:
    """A steady creeping flow.

    space: elements of order 2 of the velocity; nodal: (N, 3) velocity at their nodes in µm/s; nodal_pressure: (M,) at the corners, in Pa;
    forces: force (3,) in pN of the fluid on each facet set of prescribed velocity; dissipation: in pN·µm/s; iterations: of the pressure's
    conjugate gradients.
    """

    space: Space
    nodal: Floats
    nodal_pressure: Floats
    forces: Mapping[str, Floats]
    dissipation: float
    iterations: int

    @property
    def velocity(self) -> Floats:
        """Velocity at the points of the mesh, (P, 3) in µm/s, NaN at points of no tetrahedron."""
        return self.space.everywhere(self.nodal)

    @property
    def pressure(self) -> Floats:
        """Pressure at the points of the mesh, (P,) in Pa, NaN at points of no tetrahedron."""
        return self.space.everywhere(self.nodal_pressure)

    def flux(self, name: str) -> float:
        """Volume in µm³/s that leaves through a named facet set, ∫ u·n. Raises CellmlError for an unknown name."""
        facets = self.space.facets(name)
        inside = np.einsum("fni,fnq->fqi", self.nodal[facets.element_nodes], facets.values)
        return float(np.einsum("fqi,fqi,fq->", inside, facets.normals, facets.weights))


def solve_stokes(
    mesh: TetMesh,
    viscosity: float,
    *,
    velocities: Sequence[Velocity],
    loads: Sequence[Load] = (),
    body_force: Callable[[Floats], Floats] | None = None,
    curved: Mapping[str, Projection] | None = None,
    tolerance: float = 1e-10,
) -> Flow:
    """Solve −η Δu + ∇p = f, ∇·u = 0 with velocity of order 2 and pressure of order 1 (Taylor & Hood 1973).

    viscosity: η in Pa·s; velocities and loads: by facet set, what is in neither is free of traction (or, beside openings, an opening at
    pressure 0); body_force: a function of points (T, Q, 3) in µm that returns (T, Q, 3) in Pa/µm; curved: projections of curved facet sets.
    With `Opening`s the viscous form is η ∇u:∇v, else 2η ε(u):ε(v), whose natural condition is the traction; the two have the same solution
    inside but not the same ends, so a mixture is refused. In a closed vessel the pressure has mean 0, and a net flux of the prescribed
    velocities up to 1e-3 of their gross flux (interpolation of a curve does not conserve it) is spread over the volume.
    Raises SimulationError if η is not positive, the fluid can move as a rigid body, openings meet tractions,
    or a closed vessel is filled faster than emptied.
    """
    if not (np.isfinite(viscosity) and viscosity > 0.0):
        raise SimulationError(f"The viscosity is {viscosity!r} Pa·s; it must be positive.")
    open_ends = any(isinstance(load, Opening) for load in loads)
    if open_ends and not all(isinstance(load, Opening) for load in loads):
        raise SimulationError(
            "Openings and tractions in one flow: their equations differ on the boundary; give tractions only or openings only."
        )
    space = Space(mesh, 2, curved or {})
    lower = Space(mesh, 1, curved or {}, degree=4)
    held = supports(space, [velocity.as_displacement() for velocity in velocities])
    if (loose := free_motions(space, held.dofs).shape[1]) > 0:
        raise SimulationError(f"The fluid in {mesh.name!r} can move as a rigid body in {loose} ways; prescribe the velocity of a membrane.")
    force = _forces(space, loads, body_force)
    A = _viscous(space, viscosity, by_component=open_ends)
    B = divergence(space, lower)
    u = np.zeros(3 * space.size)
    u[held.dofs] = held.values
    free = np.setdiff1d(np.arange(len(u)), held.dofs)
    inner = _without_columns(B, held.dofs)
    ends = np.abs(inner.T @ np.ones(lower.size)).max(initial=0.0)
    closed = bool(ends <= 1e-10 * np.abs(B.T @ np.ones(lower.size)).max())
    solve = block_solver(space, A, free)
    u += solve(force - _apply(A, u))
    p, iterations = _pressure(solve, B @ u, abs(B) @ np.abs(u), inner, lower, viscosity, closed, tolerance, space)
    u += solve(inner.T @ p)
    rest = _apply(A, u) - B.T @ p - force
    if closed:
        p = p - float(lower.weights.ravel() @ lower.at_quadrature(p).ravel()) / float(lower.weights.sum())
    forces = {name: -total for name, total in held.forces(rest).items()}
    return Flow(space, u.reshape(-1, 3), p, forces, float(u @ _apply(A, u)), iterations)


def _pressure(
    solve: Solve, leak: Floats, gross: Floats, inner: Any, lower: Space, viscosity: float, closed: bool, tolerance: float, space: Space
) -> tuple[Floats, int]:
    """The pressure p such that B(u + A⁻¹Bᵀp) = 0, where Bu is the leak of the flow without pressure, |B||u| its gross."""
    right = -leak
    if closed:
        if abs(leak.sum()) > max(_LEAK * float(np.abs(leak).sum()), _ROUND_OFF * float(gross.sum())):
            raise SimulationError(
                f"{space.mesh.name!r} is closed, but the prescribed velocities carry {leak.sum():.3g} µm³/s more out than in; "
                "balance them, or open a facet set with Opening."
            )
        right = right - right.mean()
    mass = scatter_matrix(lower.element_nodes, lower.element_nodes, _local_mass(lower), (lower.size, lower.size))
    factor = factorise(mass)
    floor = _ROUND_OFF * float(np.sqrt(viscosity * gross @ factor(gross)))
    return pressure_by_cg(solve, inner, lambda b: viscosity * factor(b), right, tolerance=tolerance, floor=floor, closed=closed)


def _local_mass(space: Space) -> Floats:
    return np.asarray(np.einsum("nq,mq,tq->tnm", space.values, space.values, space.weights, optimize=True))


def _forces(space: Space, loads: Sequence[Load], body_force: Callable[[Floats], Floats] | None) -> Floats:
    force = np.zeros((space.size, 3))
    for load in loads:
        force += nodal_load(space, load.as_load() if isinstance(load, Opening) else load)
    if body_force is not None:
        density = np.asarray(body_force(space.points), dtype=float)
        if density.shape != space.points.shape or not np.isfinite(density).all():
            raise SimulationError(
                f"The body force must be finite (x, y, z) in Pa/µm at {space.points.shape[:2]} points, got {density.shape}."
            )
        np.add.at(force, space.element_nodes, np.einsum("nq,tq,tqi->tni", space.values, space.weights, density, optimize=True))
    return force.ravel()


def _viscous(space: Space, viscosity: float, *, by_component: bool) -> Any:
    if by_component:
        local = np.einsum("tniq,tmiq,tq->tnm", space.gradients, space.gradients, viscosity * space.weights, optimize=True)
        return scatter_matrix(space.element_nodes, space.element_nodes, local, (space.size, space.size))
    eta = np.full(space.weights.shape, viscosity)
    return isotropic_stiffness(space, space.gradients, np.zeros_like(eta), eta, eta)


def _apply(A: Any, u: Floats) -> Floats:
    return np.asarray((A @ u.reshape(-1, 3)).ravel() if A.shape[0] < len(u) else A @ u)


def divergence(space: Space, lower: Space) -> Any:
    """B_m,(ai) = ∫ ψ_m ∂φ_a/∂x_i of pressure functions ψ (order 1) and velocity functions φ (order 2), sparse (M, 3N) in µm²."""
    local = np.einsum("mq,tniq,tq->tmni", lower.values, space.gradients, space.weights, optimize=True)
    flat = local.reshape(len(local), local.shape[1], -1)
    return scatter_matrix(lower.element_nodes, vector_unknowns(space), flat, (lower.size, 3 * space.size))


def _without_columns(B: Any, columns: Any) -> Any:
    from scipy.sparse import diags

    kept = np.ones(B.shape[1])
    kept[columns] = 0.0
    return (B @ diags(kept)).tocsr()
