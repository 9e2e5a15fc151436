"""The adaptive loop: solve, estimate, mark, refine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cellml.sim.adaptive.bisection import Bisection, Refinement, bisect
from cellml.sim.adaptive.edges import Floats, Index
from cellml.sim.adaptive.goal import GoalEstimate, goal_estimate
from cellml.sim.adaptive.marking import Marking, doerfler
from cellml.sim.adaptive.problem import Goal, SteadyProblem
from cellml.sim.adaptive.projection import Distance
from cellml.sim.adaptive.residual import residual_indicators
from cellml.sim.adaptive.solution import Solved, solve
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh


@dataclass(frozen=True)
class Row:
    """One turn of the loop; None where it was not asked for or is not known.

    unknowns: degrees of freedom; estimator: η (energy norm); error: true error in that norm; goal: J(u_h); goal_error: estimate of
    J(u) − J(u_h), signed; goal_truth: J(u) − J(u_h); seconds: time of the turn, refinement included.
    """

    turn: int
    unknowns: int
    tets: int
    estimator: float
    error: float | None
    goal: float | None
    goal_error: float | None
    goal_truth: float | None
    seconds: float

    @property
    def effectivity(self) -> float | None:
        """η over the true energy error."""
        return self.estimator / self.error if self.error else None

    @property
    def goal_effectivity(self) -> float | None:
        """Estimated over true error of the goal; 1 is perfect."""
        return self.goal_error / self.goal_truth if self.goal_truth and self.goal_error is not None else None


@dataclass(frozen=True, eq=False)
class Adaptation:
    """What the loop gave: a row for each turn, the last solution and its goal, and why it ended (tolerance, unknowns, turns or exact)."""

    rows: tuple[Row, ...]
    solved: Solved
    goal: GoalEstimate | None
    reason: str

    @property
    def mesh(self) -> TetMesh:
        """The last mesh."""
        return self.solved.mesh


@dataclass(frozen=True)
class Stop:
    """When the loop ends: at an estimator (of the goal's error where there is a goal), a number of unknowns, or after some turns."""

    tolerance: float = 0.0
    unknowns: int = 100_000
    turns: int = 50


@dataclass(frozen=True)
class Known:
    """What is known about the exact solution: its error in the energy norm given a solution, and the exact goal."""

    error: Callable[[Solved], float] | None = None
    goal: float | None = None


# A mesh and numbers of tetrahedra, or a mask, to the refinement in which they are halved.
Refine = Callable[[Bisection, Index | NDArray[np.bool_]], Refinement]

# Squared indicators (T,) for a solution and, where a goal was given, its estimate.
Indicator = Callable[[Solved, GoalEstimate | None], Floats]


def by_residual(solved: Solved, goal: GoalEstimate | None) -> Floats:
    """η_T² of the residual estimator, or the dual weighted residual where there is a goal."""
    return residual_indicators(solved).squared if goal is None else goal.indicators


def adapt(
    mesh: TetMesh,
    problem: SteadyProblem,
    *,
    goal: Goal | None = None,
    stop: Stop | None = None,
    indicator: Indicator = by_residual,
    marking: Marking = doerfler,
    bisections: int = 1,
    refine: Refine | None = None,
    known: Known | None = None,
) -> Adaptation:
    """Refine a mesh for a steady problem until its estimated error is small enough.

    goal: a linear functional whose error is to be small, instead of the energy norm of the error. stop, marking, indicator: see there;
    bisections: times that a marked tetrahedron is halved in a turn (three halve its edges); refine: `bisect` by default, or
    `projecting(distance)` to bring new boundary points back to a shape. known: adds true errors to the rows.

    Each turn adds a row, and the curve of unknowns, estimator and error is a result in itself. Raises SimulationError for a problem that
    does not fit the mesh or has no unique solution, and for bisections below 1.
    """
    if bisections < 1:
        raise SimulationError(f"bisections={bisections} must be at least 1.")
    stop, known, refine = stop or Stop(), known or Known(), refine or bisect
    state, start = Bisection.of(mesh), None
    rows: list[Row] = []
    while True:
        begin = time.perf_counter()
        solved = solve(state.mesh, problem, start=start)
        estimate = None if goal is None else goal_estimate(solved, goal)
        row = _row(len(rows), solved, estimate, known)
        reason = _reason(row, stop)
        refinement = None if reason else _refined(state, marking(indicator(solved, estimate)), bisections, refine)
        rows.append(Row(**{**vars(row), "seconds": time.perf_counter() - begin}))
        if refinement is None:
            return Adaptation(tuple(rows), solved, estimate, reason or "exact")
        state, start = refinement.bisection, refinement.prolongation @ solved.u


def projecting(
    distance: Distance, *, surfaces: tuple[str, ...] | None = None, rims: Mapping[tuple[str, str], Distance] | None = None
) -> Refine:
    """Bisection that moves new points of the named surfaces to φ = 0, and those of rims to φ = ψ = 0, see `project_boundary`."""
    return partial(bisect, distance=distance, surfaces=surfaces, rims=rims)


def _row(turn: int, solved: Solved, estimate: GoalEstimate | None, known: Known) -> Row:
    return Row(
        turn=turn,
        unknowns=solved.unknowns,
        tets=len(solved.mesh.tets),
        estimator=residual_indicators(solved).total,
        error=None if known.error is None else known.error(solved),
        goal=None if estimate is None else estimate.value,
        goal_error=None if estimate is None else estimate.error,
        goal_truth=None if estimate is None or known.goal is None else known.goal - estimate.value,
        seconds=0.0,
    )


def _reason(row: Row, stop: Stop) -> str:
    achieved = row.estimator if row.goal_error is None else abs(row.goal_error)
    if achieved <= stop.tolerance:
        return "tolerance"
    if row.unknowns >= stop.unknowns:
        return "unknowns"
    return "turns" if row.turn + 1 >= stop.turns else ""


def _refined(state: Bisection, chosen: Index, bisections: int, refine: Refine) -> Refinement | None:
    """The chosen tetrahedra, and then their parts, halved; None if none was chosen."""
    if len(chosen) == 0:
        return None
    whole = refine(state, chosen)
    for _ in range(bisections - 1):
        whole = whole.then(refine(whole.bisection, np.isin(whole.parents, chosen)))
    return whole
