"""Learning a stored energy from the forces that hold deformed bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.constitutive.balance import Stretched
from cellml.sim.constitutive.convex_energy import ConvexEnergy
from cellml.sim.constitutive.importance import Draws, importance_draws
from cellml.sim.constitutive.loading import Loading
from cellml.sim.errors import SimulationError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pull:
    """One test: a body, and the forces that held it. forces, sd: (S,) in pN at the fractions of the body.

    Raises SimulationError for other numbers of forces, and deviations that are not positive.
    """

    body: Stretched
    forces: Floats
    sd: Floats

    def __post_init__(self) -> None:
        if len(self.forces) != len(self.body.fractions) or len(self.sd) != len(self.forces) or not (np.asarray(self.sd) > 0).all():
            raise SimulationError(
                f"{len(self.body.fractions)} forces with positive deviations are needed, got {len(self.forces)} and {len(self.sd)}."
            )


@dataclass(frozen=True, eq=False)
class Curve:
    """The stress under one loading. strains: (n,) as the loading takes them; stress, low, high: (n,) in Pa, the median of the posterior
    and the ends of its pointwise interval; seen: (n,) whether I − 3 and J lie within those that the tests took their material to: elsewhere
    the prior speaks.
    """

    strains: Floats
    stress: Floats
    low: Floats
    high: Floats
    seen: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LearnedEnergy:
    """A posterior of energies.

    One force does not tell resistance to shear from that to change of volume; curves under loadings that no test was like have wide bands.

    z: (K + 2,) its maximum; covariance: (K + 2, K + 2), Laplace's; draws: of the posterior; chi2: Σ ((force − measured)/sd)²; visited: the
    least and the largest I − 3 and J in the bodies at the maximum, (2, 2).
    """

    energy: ConvexEnergy
    z: Floats
    covariance: Floats
    draws: Draws
    chi2: float
    visited: Floats

    def curve(self, loading: Loading, strains: Floats, *, level: float = 0.9) -> Curve:
        """The stress under a loading of `cellml.sim.constitutive.loading` at strains (n,), with its interval of probability `level`."""
        values, _ = loading(self.energy, self.draws.z, strains)
        low, middle, high = self.draws.quantiles(values, (0.5 - level / 2, 0.5, 0.5 + level / 2))
        _, states = loading(self.energy, self.z, strains)
        within = (states >= self.visited[0] - 1e-9) & (states <= self.visited[1] + 1e-9)
        return Curve(np.asarray(strains), middle, low, high, within.all(axis=-1))


class _Misfit:
    """Residuals of all forces and of the prior, (Σ S + K + 2,), and their slopes; the states of the last z are kept for both."""

    def __init__(self, pulls: Sequence[Pull], start: Floats, spread: float) -> None:
        self.pulls, self.start, self.spread = pulls, start, spread
        self.last: tuple[bytes, list[list[Floats]]] | None = None

    def states(self, z: Floats) -> list[list[Floats]]:
        if self.last is None or self.last[0] != z.tobytes():
            self.last = z.tobytes(), [list(pull.body.path(z)) for pull in self.pulls]
        return self.last[1]

    def residuals(self, z: Floats) -> Floats:
        misfits = [
            (np.array([pull.body.holding(z, u) for u in states]) - pull.forces) / pull.sd
            for pull, states in zip(self.pulls, self.states(z), strict=True)
        ]
        return np.concatenate([*misfits, (z - self.start) / self.spread])

    def tried(self, z: Floats) -> Floats:
        """Residuals, infinite where a body does not balance, from which a search steps back."""
        try:
            return self.residuals(z)
        except SimulationError:
            return np.full(sum(len(pull.forces) for pull in self.pulls) + len(z), np.inf)

    def slopes(self, z: Floats) -> Floats:
        rows = [
            np.array([pull.body.derivative(z, u) for u in states]) / np.asarray(pull.sd)[:, None]
            for pull, states in zip(self.pulls, self.states(z), strict=True)
        ]
        return np.concatenate([*rows, np.eye(len(z)) / self.spread])

    def log_posterior(self, z: Floats) -> float:
        return -0.5 * float(np.sum(self.tried(z) ** 2))


def learn_energy(
    pulls: Sequence[Pull], start: Floats, *, spread: float = 1.5, draws: int = 80, rounds: int = 6, enough: float = 80.0, seed: int = 0
) -> LearnedEnergy:
    """Find the energies under which bodies are held by the measured forces.

    pulls: one test or several; tests that load differently (a bar whose sides slide, a sheared block) tell apart what one cannot; all
    bodies are of one family of energies; start: (K + 2,) from `ConvexEnergy.start`; spread: deviation of the normal prior of z about it;
    draws, rounds, enough, seed: see `importance_draws`.

    The maximum of the posterior by Gauss–Newton with a trust region (Branch, Coleman & Li 1999), slopes by the adjoint of each force; its
    intervals by importance sampling, for the valley in which shear and volume balance each other is bent, and Laplace's approximation
    told bands there that held 6 % of a hidden law in place of 90 %. Raises SimulationError for no test, a body that does not balance at the
    start, a search that does not end, and a posterior that cannot be sampled.
    """
    from scipy.optimize import least_squares

    if not pulls:
        raise SimulationError("An energy is learned from one test or more, got none.")
    misfit = _Misfit(pulls, np.asarray(start, dtype=np.float64), spread)
    misfit.residuals(misfit.start)  # raises where the search cannot begin
    found = least_squares(misfit.tried, misfit.start, jac=misfit.slopes, xtol=1e-6, ftol=1e-8, gtol=1e-8, max_nfev=100)
    if found.status == 0:
        raise SimulationError(f"The energy is not found after {found.nfev} solutions; begin nearer, or give a narrower `spread`.")
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    states = np.concatenate([pull.body.visited(u) for pull, path in zip(pulls, misfit.states(found.x), strict=True) for u in path])
    visited = np.stack([np.minimum(states.min(axis=0), (0.0, 1.0)), np.maximum(states.max(axis=0), (0.0, 1.0))])
    drawn = importance_draws(misfit.log_posterior, found.x, covariance, draws=draws, rounds=rounds, enough=enough, seed=seed)
    chi2 = float(np.sum(found.fun[: -len(found.x)] ** 2))
    return LearnedEnergy(pulls[0].body.energy, found.x, covariance, drawn, chi2, visited)
