"""Large deformation: load steps, Newton's iteration, halving of steps that fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.conditions import Displacement, Load
from cellml.sim.mechanics.hyperelastic import deform, finished, nodal_force, tangent
from cellml.sim.mechanics.material import Materials
from cellml.sim.mechanics.problem import Problem, pose
from cellml.sim.mechanics.rigid import free_motions
from cellml.sim.mechanics.solution import ElasticSolution, NewtonStep
from cellml.sim.mechanics.space import Floats, Projection
from cellml.sim.mechanics.twolevel import positive_solver
from cellml.types import TetMesh

_ITERATIONS = 15
_HALVINGS = 10
_TOLERANCE = 1e-10


class LoadStepError(SimulationError):
    """Load steps that do not converge however small; `solution` is the last state in balance."""

    def __init__(self, message: str, solution: ElasticSolution) -> None:
        super().__init__(message)
        self.solution = solution


def solve_neo_hookean(
    mesh: TetMesh,
    materials: Materials,
    *,
    displacements: Sequence[Displacement],
    loads: Sequence[Load] = (),
    order: int = 2,
    curved: Mapping[str, Projection] | None = None,
    steps: int = 1,
) -> ElasticSolution:
    """Balance a compressible neo-Hookean body, displacements and dead loads raised together in `steps` equal steps.

    materials, order and curved as for `solve_elastic`. A step on which Newton's iteration fails is halved, up to ten times. Raises
    LoadStepError (a SimulationError that carries the last good solution) where that does not help, and SimulationError if the supports
    leave a rigid motion free: at large rotation balance of the undeformed loads does not decide it.
    """
    if steps < 1:
        raise SimulationError(f"steps is {steps}; at least one load step is needed.")
    problem = pose(mesh, materials, displacements, loads, order, curved)
    *_, last = load_path(problem, [(k + 1) / steps for k in range(steps)])
    return last


def load_path(problem: Problem, fractions: Sequence[float]) -> Iterator[ElasticSolution]:
    """The solutions at given fractions of displacements and loads, in their order, each found from the one before; the start is at rest."""
    if (free := free_motions(problem.space, problem.held.dofs).shape[1]) > 0:
        raise SimulationError(
            f"The supports of {problem.space.mesh.name!r} leave {free} rigid motions free; at large deformation hold all six, by three "
            "components of a facet set or by planes of symmetry."
        )
    u, now = np.zeros(3 * problem.space.size), 0.0
    history: tuple[NewtonStep, ...] = ()
    for goal in fractions:
        u, history = _advance(problem, u, now, float(goal), history)
        now = float(goal)
        yield finished(problem, u, now, history)


def _advance(
    problem: Problem, u: Floats, now: float, goal: float, history: tuple[NewtonStep, ...]
) -> tuple[Floats, tuple[NewtonStep, ...]]:
    step = goal - now
    smallest = abs(step) / 2**_HALVINGS
    while now != goal:
        target = goal if abs(goal - now) <= abs(step) * (1.0 + 1e-12) else now + step
        found = newton(problem, u, target, now)
        if found is not None:
            u, residuals = found
            history = (*history, NewtonStep(target, residuals))
            now, step = target, 2.0 * step
        elif abs(step) / 2.0 < smallest:
            raise LoadStepError(
                f"The load steps of {problem.space.mesh.name!r} stop at {100.0 * now:.4g} % of displacements and loads: steps of "
                f"{100.0 * abs(step):.2g} % do not converge (the body buckles, or tetrahedra turn inside out). Load it less, use order 2 "
                "for a nearly incompressible material, or refine the mesh where it is strained most.",
                finished(problem, u, now, history),
            )
        else:
            step /= 2.0
    return u, history


def newton(problem: Problem, u: Floats, fraction: float, before: float) -> tuple[Floats, tuple[float, ...]] | None:
    """Newton's iteration from the state (3N,) at the fraction `before` to another; (state, residuals) or None where it does not converge.

    The first increment carries the supports to their new place along the linearised body, which keeps it from tearing the first layer.
    A Newton increment that turns a tetrahedron inside out is halved, five times at most.
    """
    held = problem.held.dofs
    free = np.setdiff1d(np.arange(len(u)), held)
    state = deform(problem, u)
    residuals: list[float] = []
    floor = _least_force(problem)
    jump = (fraction - before) * problem.held.values
    for iteration in range(_ITERATIONS):
        if state is None:
            return None
        force = nodal_force(problem, state)
        rest = force - fraction * problem.force
        residuals.append(float(np.linalg.norm(rest[free])) / max(float(np.linalg.norm(force)), floor))
        if iteration > 0 and residuals[-1] <= _TOLERANCE:
            return u, tuple(residuals)
        if len(residuals) > 3 and residuals[-1] > 1e3 * residuals[1]:
            return None
        delta = np.zeros(len(u))
        if iteration == 0:
            delta[held] = jump
        K = tangent(problem, state)
        try:
            delta[free] = positive_solver(problem.space, K, free)(-(rest + K @ delta)[free])
        except (RuntimeError, SimulationError):  # SuperLU's word for a singular tangent, and conjugate gradients' for an indefinite one
            return None
        length = 1.0
        while (state := deform(problem, u + length * delta)) is None and iteration > 0 and length > 2.0**-5:
            length /= 2.0
        u = u + length * delta
    return None


def _least_force(problem: Problem) -> float:
    """Norm of the nodal forces of a strain of 1e-4 everywhere, in pN: the scale of a residual where the body is next to unstrained."""
    modulus = float((problem.lam + 2.0 * problem.mu).max())
    face = float((problem.space.weights.sum() / len(problem.space.mesh.tets)) ** (2.0 / 3.0))
    return 1e-4 * modulus * face * float(np.sqrt(problem.space.size))
