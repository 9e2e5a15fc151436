"""The most probable parameters by adjoint gradients: the price of a step does not grow with their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.sim.errors import SimulationError
from cellml.sim.estimation.problem import Problem
from cellml.sim.simulator import Simulator

Vector = NDArray[np.float64]


def maximum_posterior_by_adjoint(problem: Problem) -> tuple[Vector, float]:
    """Maximum a posteriori by L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995) on −ln posterior, one adjoint sweep for each gradient.

    Returns z (p,) and −ln posterior there, up to a constant. Raises SimulationError if the search does not end.
    """
    from scipy.optimize import minimize

    simulator = Simulator(problem.mesh, problem.model, solver=problem.solver)

    def objective(z: Vector) -> tuple[float, Vector]:
        return _objective(problem, simulator, z)

    low, high = problem.bounds
    pairs = [(None if np.isinf(a) else a, None if np.isinf(b) else b) for a, b in zip(low, high, strict=True)]
    found = minimize(
        objective, problem.start, jac=True, method="L-BFGS-B", bounds=pairs, options={"maxiter": 200, "ftol": 1e-14, "gtol": 1e-8}
    )
    if found.status == 1:
        raise SimulationError(f"The fit has not ended after {found.nit} steps; begin nearer, or give bounds and priors.")
    return np.asarray(found.x), float(found.fun)


def _objective(problem: Problem, simulator: Simulator, z: Vector) -> tuple[float, Vector]:
    """−ln posterior and its gradient by z."""
    import torch

    leaves = {name: torch.tensor(v, dtype=torch.float64, requires_grad=True) for name, v in problem.values(z).items()}
    answer = simulator(leaves)
    total = torch.zeros((), dtype=torch.float64)
    for m in problem.measurements:
        weights = torch.from_numpy(interpolation(answer.times.numpy(), m.times))
        total = (
            total + 0.5 * (((weights @ answer.courses[m.observable]) - torch.from_numpy(m.values)) / torch.from_numpy(m.sd)).square().sum()
        )
    slopes = torch.autograd.grad(total, list(leaves.values()))
    gradient = np.array([float(s) * u.slope(float(each)) for s, u, each in zip(slopes, problem.unknowns, z, strict=True)])
    value = float(total.detach())
    for k, u in enumerate(problem.unknowns):
        if np.isfinite(u.sd):
            value += 0.5 * ((z[k] - u.mean) / u.sd) ** 2
            gradient[k] += (z[k] - u.mean) / u.sd**2
    return value, gradient


def interpolation(grid: Vector, times: Vector) -> Vector:
    """The matrix (n, S + 1) that interpolates values at grid times (S + 1,) linearly at times (n,)."""
    after = np.clip(np.searchsorted(grid, times), 1, len(grid) - 1)
    share = (times - grid[after - 1]) / (grid[after] - grid[after - 1])
    weights = np.zeros((len(times), len(grid)))
    weights[np.arange(len(times)), after - 1] = 1.0 - share
    weights[np.arange(len(times)), after] = share
    return weights
