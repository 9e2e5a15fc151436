"""Hooke's law at small strain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cellml.sim.mechanics.assembly import displacement_gradient, isotropic_stiffness
from cellml.sim.mechanics.conditions import Displacement, Load
from cellml.sim.mechanics.material import Materials
from cellml.sim.mechanics.problem import Problem, pose
from cellml.sim.mechanics.rigid import free_motions, require_balance, statically_determinate, without_motion
from cellml.sim.mechanics.solution import ElasticSolution, tet_mean
from cellml.sim.mechanics.space import Floats, Projection
from cellml.sim.mechanics.twolevel import positive_solver
from cellml.types import TetMesh


def solve_elastic(
    mesh: TetMesh,
    materials: Materials,
    *,
    displacements: Sequence[Displacement] = (),
    loads: Sequence[Load] = (),
    order: int = 2,
    curved: Mapping[str, Projection] | None = None,
) -> ElasticSolution:
    """Solve ∇·σ = 0, σ = λ tr ε I + 2μ ε, ε = sym ∇u, with u given or σn = t on named facet sets and σn = 0 elsewhere.

    materials: one for all or by region name; order: 1 or 2 (2 for ν > 0.45: order 1 locks); curved: projections in µm of curved facet
    sets. Supports that leave rigid motions free are allowed where the loads do no work on them (pure traction in balance, say): the answer
    is then the one with ∫ u·r = 0 for every free motion r. Raises SimulationError if the loads push a free motion, if the mesh falls into
    parts, and for bad conditions or materials.
    """
    problem = pose(mesh, materials, displacements, loads, order, curved)
    space, held, force = problem.space, problem.held, problem.force
    motions = free_motions(space, held.dofs)
    require_balance(space, motions, force)
    K = isotropic_stiffness(space, space.gradients, problem.lam, problem.mu, problem.mu)
    u = np.zeros(3 * space.size)
    u[held.dofs] = held.values
    free = np.setdiff1d(np.arange(len(u)), np.concatenate([held.dofs, statically_determinate(motions, held.dofs)]))
    u[free] = positive_solver(space, K, free)((force - K @ u)[free])
    rest = K @ u - force
    scale = max(float(np.abs(force).max()), float(np.abs(rest).max()), 1e-300)
    imbalance = float(np.abs(np.delete(rest, held.dofs)).max(initial=0.0)) / scale
    strain, stress = _strain_stress(problem, u.reshape(-1, 3))
    return ElasticSolution(
        space=space,
        nodal=without_motion(space, u.reshape(-1, 3), motions),
        strain=tet_mean(space, strain),
        stress=tet_mean(space, stress),
        energy=0.5 * float(u @ (K @ u)),
        reactions=held.forces(rest),
        loads=problem.loads,
        imbalance=imbalance,
    )


def _strain_stress(problem: Problem, u: Floats) -> tuple[Floats, Floats]:
    H = displacement_gradient(problem.space, u)
    strain = 0.5 * (H + H.transpose(0, 1, 3, 2))
    trace = np.trace(strain, axis1=2, axis2=3)
    return strain, (problem.lam * trace)[..., None, None] * np.eye(3) + 2.0 * problem.mu[..., None, None] * strain
