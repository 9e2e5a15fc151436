"""The most probable parameters, and how far they may be off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.trajectory import BlowUpError
from cellml.sim.errors import SimulationError
from cellml.sim.estimation.problem import Problem

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fit:
    """A maximum of the posterior.

    z: (p,) in the coordinates of the unknowns; covariance: (p, p) of z, Laplace's approximation; chi2: Σ ((model − measured)/sd)²; count:
    number of measurements; evaluations: how often the model was solved.
    """

    problem: Problem
    z: Vector
    covariance: Vector
    chi2: float
    count: int
    evaluations: int

    @property
    def values(self) -> dict[str, float]:
        """The estimates in coherent units."""
        return self.problem.values(self.z)

    def interval(self, name: str, level: float = 0.9) -> tuple[float, float]:
        """The central interval of a parameter, in coherent units: z ± quantile · sd."""
        k = [u.name for u in self.problem.unknowns].index(name)
        unknown = self.problem.unknowns[k]
        half = normal_quantile(0.5 + level / 2) * float(np.sqrt(self.covariance[k, k]))
        low, high = max(self.z[k] - half, unknown.low), min(self.z[k] + half, unknown.high)
        return unknown.value(float(low)), unknown.value(float(high))

    @property
    def correlation(self) -> Vector:
        """Correlations of z, (p, p)."""
        sd = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / np.outer(sd, sd))


def maximum_posterior(problem: Problem, start: Vector | None = None, *, tolerance: float = 1e-10) -> Fit:
    """Maximum a posteriori by a trust-region Gauss–Newton method (Branch, Coleman & Li 1999) with exact sensitivities.

    tolerance: relative, of the last change of chi², of the step and of the slope. The covariance is Laplace's, (JᵀJ)⁻¹ at the maximum,
    J the slope of all residuals (Tierney & Kadane 1986; Gauss–Newton Hessian).

    Raises SimulationError if the search ends anywhere but at a maximum, or the data leave a parameter open.
    """
    from scipy.optimize import least_squares

    begin, before = problem.start if start is None else start, problem.solutions.count
    low, high = problem.bounds
    count = len(problem.residuals(begin))  # raises where the search cannot begin

    def residuals(z: Vector) -> Vector:
        try:
            return problem.residuals(z)
        except BlowUpError:
            return np.full(count, np.inf)  # from which the search steps back

    limits = {"xtol": tolerance, "ftol": tolerance, "gtol": tolerance, "max_nfev": 100}
    found = least_squares(residuals, begin, jac=problem.jacobian, bounds=(low, high), x_scale=1.0, **limits)
    if found.status == 0:
        raise SimulationError(f"The fit has not ended after {found.nfev} solutions of the model; begin nearer, or give bounds and priors.")
    information = found.jac.T @ found.jac
    open_ = np.linalg.eigvalsh(information)[0] <= 1e-12 * np.linalg.eigvalsh(information)[-1]
    if open_:
        weakest = np.linalg.eigh(information)[1][:, 0]
        names = [u.name for u, w in zip(problem.unknowns, weakest, strict=True) if abs(w) > 0.3]
        raise SimulationError(
            f"The measurements do not determine {' and '.join(names)}: their likelihood stays the same when these change together. "
            "Give a prior, measure something else, or fix one of them."
        )
    count = sum(len(m.values) for m in problem.measurements)
    solved = problem.solutions.count - before
    return Fit(problem, found.x, np.linalg.inv(information), float(np.sum(found.fun[:count] ** 2)), count, solved)


def normal_quantile(probability: float) -> float:
    """The quantile of the standard normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(probability))
