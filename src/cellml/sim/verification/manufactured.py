"""Solutions that are known because the model feeds what they need.

`manufactured` varies in space and time and shows the order of both together, edges and steps halved alike. `linear_in_space` lies in the P1
space at all times, and as rates are interpolated at nodes the discrete equations are met exactly: its error is that of the time steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time

import numpy as np

from cellml.sim.analytic import box
from cellml.sim.dynamics import run
from cellml.sim.verification.convergence import Row
from cellml.sim.verification.errors import Floats, l2_error
from cellml.sim.verification.reference_models import reference_model
from cellml.types import TetMesh


def unit_cube(cells: int) -> TetMesh:
    """A cube of 1 µm, its two faces of constant x named cut_x0 and cut_x1."""
    return box((1000.0, 1000.0, 1000.0), (cells, cells, cells), cuts=("x0", "x1"))


def manufactured_solution(points: Floats, t: float) -> Floats:
    """(2 + cos πx cos πy cos πz) exp(−t) at points (…, 3) in µm."""
    return np.asarray((2.0 + np.cos(np.pi * points).prod(axis=-1)) * np.exp(-t))


def space_time_rows(cells: Sequence[int], *, scheme: str = "bdf2") -> list[Row]:
    """Relative L2 error of `manufactured` at t = 1 s with n edges along the cube and n steps."""
    rows = []
    for n in cells:
        mesh, begin = unit_cube(n), process_time()
        dynamics = run(mesh, reference_model("manufactured", steps=n, scheme=scheme))
        y = dynamics.states[1.0]
        error = l2_error(mesh, y, lambda x: manufactured_solution(x, 1.0))
        rows.append(Row(1.0 / n, error, len(mesh.tets), len(y), n, process_time() - begin))
    return rows


def time_rows(steps: Sequence[int], *, scheme: str, cells: int = 2) -> list[Row]:
    """Largest error of `linear_in_space` at t = 1 s, over the largest value, with some numbers of equal steps."""
    mesh, rows = unit_cube(cells), []
    for n in steps:
        begin = process_time()
        dynamics = run(mesh, reference_model("linear_in_space", steps=n, scheme=scheme))
        y = dynamics.states[1.0]
        exact = linear_solution(mesh.points[:, 0] * 1e-3, 1.0)
        rows.append(Row(1.0 / n, float(np.abs(y - exact).max() / exact.max()), len(mesh.tets), len(y), n, process_time() - begin))
    return rows


def linear_solution(x: Floats, t: float) -> Floats:
    """(1 + x)(1 + sin 5t / 2), x (…,) in µm."""
    return np.asarray((1.0 + x) * (1.0 + 0.5 * np.sin(5.0 * t)))


def adaptive_error(tolerance: float, *, scheme: str = "bdf2") -> tuple[float, int]:
    """Largest error of `linear_in_space` over all adaptive steps, over the largest value at that time, and the number of steps."""
    from cellml.sim.engine.conditions import conditions
    from cellml.sim.engine.step import Stepper
    from cellml.sim.engine.system import build_system
    from cellml.sim.engine.trajectory import Plan, follow

    mesh, model = unit_cube(2), reference_model("linear_in_space")
    system, values = build_system(mesh, model), model.values()
    errors: list[float] = []

    def observe(t: float, y: Floats) -> None:
        exact = linear_solution(mesh.points[:, 0] * 1e-3, t)
        errors.append(float(np.abs(y - exact).max() / exact.max()))

    stepper = Stepper(system, conditions(system), values, "direct")
    follow(stepper, system.initial(values), Plan(1.0, 10, scheme, tolerance), observe=observe)
    return max(errors), len(errors) - 1
