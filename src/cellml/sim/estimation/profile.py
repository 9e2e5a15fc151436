"""Profile likelihood: how badly the best fit gets as one parameter is pushed away (Raue et al., Bioinformatics 25:1923, 2009)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.errors import SimulationError
from cellml.sim.estimation.fit import Fit

Vector = NDArray[np.float64]
_WIDEST = 8.0  # standard deviations to either side within which the ends of an interval are looked for


@dataclass(frozen=True, eq=False)
class Profile:
    """A profile and the interval that it gives.

    z: (n,) positions of one parameter, increasing; rise: (n,) of −2 ln posterior above its minimum, the others refitted; low, high: where
    the rise passes the threshold of `level`, in coherent units; where it never does, the bound, or infinite or zero without one (open on
    that side).
    """

    name: str
    level: float
    z: Vector
    rise: Vector
    low: float
    high: float


def profile(fit: Fit, name: str, *, level: float = 0.9, points: int = 5) -> Profile:
    """The profile of one parameter around a fit, at `points` positions to either side and at the ends of its interval.

    The threshold is the quantile of χ² with one degree of freedom (Wilks 1938). Raises SimulationError for a parameter that was not fitted.
    """
    from scipy.stats import chi2

    names = [u.name for u in fit.problem.unknowns]
    if name not in names:
        raise SimulationError(f"{name!r} was not fitted; these were: {', '.join(names)}.")
    k, threshold = names.index(name), float(chi2.ppf(level, 1))
    scan = _Scan(fit, k)
    sd, unknown = float(np.sqrt(fit.covariance[k, k])), fit.problem.unknowns[k]
    ends = [scan.end(side * sd, threshold) for side in (-1, 1)]
    for end, side in zip(ends, (-1, 1), strict=True):
        reach = end if np.isfinite(end) else fit.z[k] + side * _WIDEST * sd
        reach = float(np.clip(reach, unknown.low, unknown.high))
        for share in np.linspace(0.0, 1.0, points + 1)[1:]:
            scan.rise(float(fit.z[k] + share * (reach - fit.z[k])))
    z, rise = scan.table()
    ends = [end if np.isfinite(end) else bound for end, bound in zip(ends, (unknown.low, unknown.high), strict=True)]
    open_ends = (0.0 if unknown.logarithmic else -np.inf, np.inf)
    low, high = (unknown.value(e) if np.isfinite(e) else o for e, o in zip(ends, open_ends, strict=True))
    return Profile(name, level, z, rise, low, high)


class _Scan:
    """Refits the other parameters at positions of one, each from the nearest position that is known."""

    def __init__(self, fit: Fit, k: int) -> None:
        self.fit, self.k = fit, k
        self.least = float(np.sum(fit.problem.residuals(fit.z) ** 2))
        self.known: dict[float, tuple[float, Vector]] = {float(fit.z[k]): (0.0, np.delete(fit.z, k))}

    def rise(self, at: float) -> float:
        """−2 ln posterior above its minimum with the parameter at a position."""
        if at not in self.known:
            nearest = min(self.known, key=lambda z: abs(z - at))
            self.known[at] = self._refitted(at, self.known[nearest][1])
        return self.known[at][0]

    def _refitted(self, at: float, start: Vector) -> tuple[float, Vector]:
        from scipy.optimize import least_squares

        problem, k = self.fit.problem, self.k

        def whole(others: Vector) -> Vector:
            return np.insert(others, k, at)

        if not len(start):
            return float(np.sum(problem.residuals(whole(start)) ** 2)) - self.least, start
        low, high = (np.delete(b, k) for b in problem.bounds)
        found = least_squares(
            lambda o: problem.residuals(whole(o)),
            np.clip(start, low, high),
            jac=lambda o: np.delete(problem.jacobian(whole(o)), k, axis=1),
            bounds=(low, high),
            xtol=1e-8,
            ftol=1e-8,
            max_nfev=30,
        )
        return float(2.0 * found.cost) - self.least, found.x

    def end(self, step: float, threshold: float) -> float:
        """Where the rise passes the threshold in the direction of a step; ±∞ if nowhere within reach or bounds."""
        from scipy.optimize import brentq

        begin, unknown = float(self.fit.z[self.k]), self.fit.problem.unknowns[self.k]
        inner = begin
        for factor in (1.0, 1.7, 2.5, 4.0, _WIDEST):
            outer = float(np.clip(begin + factor * step, unknown.low, unknown.high))
            if self.rise(outer) > threshold:
                return float(brentq(lambda z: self.rise(z) - threshold, inner, outer, xtol=1e-3 * abs(step)))
            inner = outer
        return float(np.sign(step) * np.inf)

    def table(self) -> tuple[Vector, Vector]:
        """All positions in order, and the rise there."""
        z = np.array(sorted(self.known))
        return z, np.array([self.known[each][0] for each in z])
