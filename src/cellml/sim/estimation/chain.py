"""Samples of the posterior: an ensemble sampler with affine invariance (Goodman & Weare 2010), by emcee (Foreman-Mackey et al. 2013)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.errors import SimulationError
from cellml.sim.estimation.fit import Fit

Vector = NDArray[np.float64]
# Independent samples below which quantiles at 5 and 95 % are not worth saying.
FEWEST = 100


@dataclass(frozen=True, eq=False)
class Chain:
    """Samples of z. samples: (n, p) after the warm-up, thinned; autocorrelation: (p,) in steps; acceptance: share of moves; effective:
    number of independent samples of the slowest parameter; split_r: (p,) R̂, the ratio of spreads between and within halves of walkers,
    near 1 if these are mixed.
    """

    fit: Fit
    samples: Vector
    autocorrelation: Vector
    acceptance: float
    effective: float
    split_r: Vector

    def interval(self, name: str, level: float = 0.9) -> tuple[float, float]:
        """The central interval of a parameter in coherent units."""
        k = [u.name for u in self.fit.problem.unknowns].index(name)
        low, high = np.quantile(self.samples[:, k], [0.5 - level / 2, 0.5 + level / 2])
        unknown = self.fit.problem.unknowns[k]
        return unknown.value(float(low)), unknown.value(float(high))

    @property
    def converged(self) -> bool:
        """Whether there are enough independent samples, and walkers agree."""
        return bool(self.effective >= FEWEST and (self.split_r < 1.1).all())


def sample(fit: Fit, *, steps: int = 1000, walkers: int | None = None, seed: int = 0) -> Chain:
    """Sample the posterior around a fit; half of the steps are warm-up.

    walkers: at least twice the number of parameters (default: four times, at least 16). Raises SimulationError for too few of either.
    """
    import emcee

    problem, p = fit.problem, len(fit.z)
    count = max(16, 4 * p) if walkers is None else walkers
    if count < 2 * p or steps < 20:
        raise SimulationError(f"Sampling {p} parameters needs at least {2 * p} walkers and 20 steps, got {count} and {steps}.")
    rng = np.random.default_rng(seed)
    low, high = problem.bounds
    starts = np.clip(rng.multivariate_normal(fit.z, fit.covariance, size=count), low + 1e-9, high - 1e-9)
    sampler = emcee.EnsembleSampler(count, p, problem.log_posterior)
    sampler.random_state = np.random.RandomState(seed).get_state()
    sampler.run_mcmc(starts, steps, progress=False)
    kept = sampler.get_chain(discard=steps // 2)
    slowness = np.atleast_1d(emcee.autocorr.integrated_time(kept, quiet=True))
    thin = max(int(slowness.max() / 2), 1)
    return Chain(
        fit,
        kept[::thin].reshape(-1, p),
        slowness,
        float(np.mean(sampler.acceptance_fraction)),
        float(kept.shape[0] * count / slowness.max()),
        _split_r(kept),
    )


def _split_r(chain: Vector) -> Vector:
    """R̂ over the first and second half of each walker's path (Gelman & Rubin 1992; split as in BDA3, 11.4). chain: (steps, walkers, p)."""
    half = len(chain) // 2
    parts = np.concatenate([chain[:half], chain[half : 2 * half]], axis=1)
    within = parts.var(axis=0, ddof=1).mean(axis=0)
    between = half * parts.mean(axis=0).var(axis=0, ddof=1)
    return np.asarray(np.sqrt(((half - 1) / half * within + between / half) / within))
