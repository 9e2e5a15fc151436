"""A + X ⇌ B between the cytosol and its membrane, in the limit of fast diffusion (the second example of SMART).

With the volume V and the area S of the mesh itself, c_A follows the ordinary equation

    V ċ_A = −S (k_on c_A c_X − k_off c_B),   c_X = c_X0 − c_B,   c_B = (V/S)(c_A0 − c_A)

to the positive root of −k_on c² − (k_on c_X0 S/V + k_off − k_on c_A0) c + k_off c_A0 = 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from cellml.sim.dynamics import run
from cellml.sim.verification.balls import icosahedral_ball
from cellml.sim.verification.reference_models import reference_model


def steady_concentration(values: Mapping[str, float], ratio: float) -> float:
    """c_A at rest in molecules per µm³; ratio: S/V in 1/µm."""
    k_on, k_off, c_A, c_X = values["k_on"], values["k_off"], values["A_initial"], values["X_initial"]
    # In X's units of volume: c_X0 S/V; the larger root, written without cancellation.
    b = k_on * c_X * ratio + k_off - k_on * c_A
    root = np.sqrt(b * b + 4.0 * k_on * k_off * c_A)
    return float(2.0 * k_off * c_A / (b + root) if b > 0 else (root - b) / (2.0 * k_on))


def steady_error(cells: int = 3) -> float:
    """Largest relative deviation of c_A at rest from the root, over all nodes of a ball of 20 n³ tetrahedra."""
    model = replace(reference_model("well_mixed"), time=None, steady=True)
    dynamics = run(icosahedral_ball(1000.0, cells), model)
    system, (y,) = dynamics.system, dynamics.states.values()
    exact = steady_concentration(model.values(), system.space_of("B").measure / system.space_of("A").measure)
    return float(np.abs(y[system.slices["A"]] / exact - 1.0).max())


def transient_error(cells: int = 3, steps: int = 400) -> float:
    """Largest deviation of the mean of A from the ordinary equation over a second, over the largest c_A, at D = 10³ µm²/s."""
    from scipy.integrate import solve_ivp

    model = reference_model("well_mixed", steps=steps)
    dynamics, values = run(icosahedral_ball(1000.0, cells), model), model.values()
    course = dynamics.courses["A_mean_final"]
    ratio = dynamics.system.space_of("B").measure / dynamics.system.space_of("A").measure

    def change(_: float, c: np.ndarray) -> np.ndarray:
        bound = (values["A_initial"] - c) / ratio
        return np.asarray(-ratio * (values["k_on"] * c * (values["X_initial"] - bound) - values["k_off"] * bound))

    exact = solve_ivp(change, (0.0, course.times[-1]), [values["A_initial"]], "LSODA", course.times, rtol=1e-10, atol=1e-8).y[0]
    return float(np.abs(course.values - exact).max() / exact.max())
