"""Learning a rate law inside the simulator, from time courses of whatever the model can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cellml.sim.constitutive.monotone import MonotoneLaw, with_laws
from cellml.sim.estimation.fit import Fit, maximum_posterior, normal_quantile
from cellml.sim.estimation.measurements import Measurement
from cellml.sim.estimation.problem import Problem
from cellml.sim.estimation.unknowns import unknowns
from cellml.sim.model import Model
from cellml.sim.overrides import parse_quantity
from cellml.sim.quantities import from_base
from cellml.types import TetMesh

Floats = NDArray[np.float64]
_DRAWS = 400
# Weights that the data leave open approach their prior slowly; a change of chi² by 10⁻⁶ of it moves no band.
_ON_THE_WAY, _AT_THE_END = 1e-3, 1e-6


@dataclass(frozen=True, eq=False)
class LearnedLaw:
    """A law with its band, in coherent units.

    visited: the least and the largest concentration of the fitted solution where the law acts; concentrations: (n,) from 0 to the law's
    `top`, or to the largest visited one if that is more; rate: (n,) the most probable law, which never falls; low, high: (n,) ends of the
    pointwise interval, which do not fall either.
    """

    reaction: str
    law: MonotoneLaw
    visited: tuple[float, float]
    concentrations: Floats
    rate: Floats
    low: Floats
    high: Floats

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Whether observations speak of each concentration, (n,): it was visited. Elsewhere the band is what monotony and prior leave."""
        low, high = self.visited
        return (self.concentrations >= low) & (self.concentrations <= high)


def learn_rate_laws(
    mesh: TetMesh, model: Model, laws: Mapping[str, MonotoneLaw], measurements: Sequence[Measurement], *, names: Sequence[str] | None = None
) -> Fit:
    """Find the laws of some reactions, and other parameters of the model, as the maximum of the posterior.

    laws: by the reaction's name; measurements: of observables of the model; names: the model's own parameters that are sought beside
    (None: those with `estimate: true`). Returns the `Fit`, whose model is an ordinary one. Raises SimulationError as `with_laws`,
    `Problem` and `maximum_posterior` do.
    """
    described = with_laws(model, laws)
    own = [n for n, p in model.parameters.items() if p.estimate] if names is None else list(names)
    sought = unknowns(described, [*own, *(name for reaction, law in laws.items() for name in law.names(reaction))])
    return softened_fit(Problem(mesh, described, sought, tuple(measurements)))


def softened_fit(problem: Problem) -> Fit:
    """The maximum of a posterior with many unknowns, found through softer ones (continuation in the size of the errors).

    At first all deviations are made so large, f-fold, that the start describes the data as well as its errors let it; the maximum found is
    the next start with √f, and that with 1. From the start alone, about one search in ten ended in a valley far from the data. Raises
    SimulationError as `maximum_posterior` does.
    """
    count = sum(len(m.values) for m in problem.measurements)
    factor = float(np.sqrt(np.mean(problem.residuals(problem.start)[:count] ** 2)))
    z, solved = problem.start, problem.solutions.count
    for softness in (factor, np.sqrt(factor)) if factor > 1 else ():
        softer = replace(problem, measurements=tuple(replace(m, sd=softness * m.sd) for m in problem.measurements))
        softer.solutions.count = solved  # so that progress counts on
        z, solved = maximum_posterior(softer, z, tolerance=_ON_THE_WAY).z, softer.solutions.count
    problem.solutions.count = solved
    fit = maximum_posterior(problem, z, tolerance=_AT_THE_END)
    return replace(fit, evaluations=problem.solutions.count)


def learned_laws(fit: Fit, laws: Mapping[str, MonotoneLaw], *, points: int = 50, level: float = 0.9, seed: int = 0) -> list[LearnedLaw]:
    """The laws of a fit with their bands of pointwise probability `level` at `points` concentrations, both ends of the visited range added.

    Where the law was visited, z is taken as normal about the maximum with covariance Σ (Laplace; Tierney & Kadane 1986) and r as linear in
    it: var r = ∂r/∂z Σ (∂r/∂z)ᵀ. Quantiles of draws of z would be biased there: weights that the data leave open are exp z, which lie above
    the maximum on average. An end of the interval that falls is replaced by the best bound from its side, for the law never falls:
    low(c) = max low(c′ ≤ c), high(c) = min high(c′ ≥ c), each of which still holds with its probability.

    Below, the band reaches from 0 to the highest rate at the lower end of the range; at concentration 0 it is 0, as the law is. Above, it
    begins at the lowest rate at the upper end, and rises to the highest one there and the quantile of the growth since,
    r(c) − r(c_end), over 400 draws of z (`seed`).
    """
    return [_banded(fit, reaction, law, points, level, seed) for reaction, law in laws.items()]


def _banded(fit: Fit, reaction: str, law: MonotoneLaw, points: int, level: float, seed: int) -> LearnedLaw:
    fixed = fit.problem.model.values()
    low_end, high_end = visited(fit, reaction, law.of)
    top = max(parse_quantity(law.top, "top").base, high_end)
    c = np.unique([*np.linspace(0.0, top, points), low_end, high_end])

    def rate(z: Floats) -> Floats:
        return law.rate(reaction, {**fixed, **fit.problem.values(z)}, c)

    best, tail = rate(fit.z), 0.5 + level / 2
    half = normal_quantile(tail) * linear_deviation(rate, fit.z, fit.covariance)
    seen = (c >= low_end) & (c <= high_end)
    low, high = np.zeros_like(c), np.zeros_like(c)
    low[seen] = np.maximum.accumulate((best - half)[seen].clip(min=0.0))
    high[seen] = np.minimum.accumulate((best + half)[seen][::-1])[::-1]
    high[c < low_end] = high[seen][0]
    high[c == 0] = 0.0  # as the law is by construction
    beyond = c > high_end
    if beyond.any():
        draws = np.array([rate(z) for z in np.random.default_rng(seed).multivariate_normal(fit.z, fit.covariance, size=_DRAWS)])
        growth = draws[:, beyond] - draws[:, c == high_end]
        low[beyond], high[beyond] = low[seen][-1], high[seen][-1] + np.quantile(growth, tail, axis=0)
    return LearnedLaw(reaction, law, (low_end, high_end), c, best, low, high)


def visited_note(law: LearnedLaw) -> str:
    """A sentence for people: where the data speak of a law."""
    unit = parse_quantity(law.law.top, "top").unit
    low, high = (c * from_base(1.0, unit) for c in law.visited)
    return (
        f"The law of {law.reaction} was visited from {low:.3g} to {high:.3g} {unit}; elsewhere its band in laws.csv is what is left: it "
        "does not fall, and above it grows as the prior lets it."
    )


def linear_deviation(curve: Callable[[Floats], Floats], z: Floats, covariance: Floats, step: float = 1e-4) -> Floats:
    """Standard deviation (n,) of a curve of z (p,) that is linear about z, by central differences; covariance: (p, p) of z."""
    slopes = np.array([(curve(z + step * e) - curve(z - step * e)) / (2 * step) for e in np.eye(len(z))])
    return np.asarray(np.sqrt(np.einsum("pn,pq,qn->n", slopes, covariance, slopes).clip(min=0.0)))


def visited(fit: Fit, reaction: str, species: str) -> tuple[float, float]:
    """The least and the largest concentration of a species at the nodes where a reaction acts, over the fitted solution."""
    _, trajectory, _ = fit.problem.solution(fit.z)
    term = next(term for term in fit.problem.system.terms if term.reaction.name == reaction)
    nodes = term.unknowns[species]
    states = [trajectory.first, *(record.state for record in trajectory.records)]
    values = np.array([state[nodes] for state in states])
    return max(float(values.min()), 0.0), float(values.max())
