"""A ball that empties through its surface.

    M/M₀ = (6/π²) Σ_n n⁻² exp(−D n² π² t / R²)        (Crank, The Mathematics of Diffusion, 1975, eq. 6.20)

The concentration jumps at the surface at the beginning, so that early times are hard.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time

import numpy as np
from numpy.typing import NDArray

from cellml.sim.dynamics import run
from cellml.sim.verification.balls import edge_length, icosahedral_ball
from cellml.sim.verification.convergence import Row
from cellml.sim.verification.reference_models import reference_model

VOLUME = 4.0 / 3.0 * np.pi


def emptying(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """M/M₀ at times (S,) in units of R²/D, t > 0.001."""
    n = np.arange(1, 101)[:, None]
    return np.asarray(6.0 / np.pi**2 * (np.exp(-((n * np.pi) ** 2) * t) / n**2).sum(axis=0))


def crank_deviations(cells: int, *, steps: int = 500) -> tuple[NDArray[np.float64], NDArray[np.float64], Row]:
    """Times (S,) in R²/D from the first step on, (M − M_exact)/M₀ (S,) on a ball of 20 n³ tetrahedra, and its row (largest from 0.1 on).

    M₀ is the content of the true ball: what the polyhedron lacks counts as error.
    """
    mesh, begin = icosahedral_ball(1000.0, cells), process_time()
    dynamics = run(mesh, reference_model("crank", steps=steps))
    course = dynamics.courses["c_amount_final"]
    times = course.times[1:]
    deviation = course.values[1:] / VOLUME - emptying(times)
    error = float(np.abs(deviation[times >= 0.1 - 1e-9]).max())
    return times, deviation, Row(edge_length(mesh), error, len(mesh.tets), dynamics.system.size, steps, process_time() - begin)


def crank_rows(cells: Sequence[int], at: float, *, steps: int = 500) -> list[Row]:
    """|M − M_exact|/M₀ at one time in R²/D."""
    rows = []
    for n in cells:
        times, deviation, row = crank_deviations(n, steps=steps)
        error = abs(float(deviation[np.abs(times - at).argmin()]))
        rows.append(Row(row.size, error, row.tets, row.unknowns, steps, row.seconds))
    return rows
