"""What must not change: totals of a nonlinear model of a cytosol and its membrane, over thousands of steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.conditions import conditions
from cellml.sim.engine.invariants import invariants
from cellml.sim.engine.step import Stepper
from cellml.sim.engine.system import build_system
from cellml.sim.engine.trajectory import Plan, follow
from cellml.sim.verification.balls import icosahedral_ball
from cellml.sim.verification.reference_models import reference_model


@dataclass(frozen=True, eq=False)
class Drift:
    """times: (S + 1,) in s; totals: relative change of each conserved total since the beginning, (S + 1,), by its name."""

    times: NDArray[np.float64]
    totals: dict[str, NDArray[np.float64]]

    @property
    def largest(self) -> float:
        """The largest change of a total at any time."""
        return max(float(np.abs(change).max()) for change in self.totals.values())


def mass_drift(*, cells: int = 2, steps: int = 10_000, solver: str = "direct", corrected: bool = True) -> Drift:
    """Follow the model `conservation` on a ball of 20 n³ tetrahedra in steps of 1 ms (BDF2).

    solver: a name of `cellml.sim.engine.linear.SOLVERS`; corrected: whether linear solves are corrected for the conserved totals.
    """
    model = reference_model("conservation")
    system, values = build_system(icosahedral_ball(1000.0, cells), model), model.values()
    held = conditions(system)
    kept = invariants(system, held)
    rows: list[list[float]] = []

    def observe(_: float, y: NDArray[np.float64]) -> None:
        rows.append([float(total.weights @ y) for total in kept])

    stepper = Stepper(system, held, values, solver, kept if corrected else ())
    trajectory = follow(stepper, system.initial(values), Plan(1e-3 * steps, steps), observe=observe)
    table = np.array(rows)
    return Drift(trajectory.times, {str(total): table[:, k] / table[0, k] - 1.0 for k, total in enumerate(kept)})
