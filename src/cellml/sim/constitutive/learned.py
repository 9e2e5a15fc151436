"""Learning a rate law inside the simulator, from time courses of whatever the model can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.constitutive.monotone import MonotoneLaw, with_laws
from cellml.sim.estimation.fit import Fit, maximum_posterior, normal_quantile
from cellml.sim.estimation.measurements import Measurement
from cellml.sim.estimation.problem import Problem
from cellml.sim.estimation.unknowns import unknowns
from cellml.sim.model import Model
from cellml.types import TetMesh

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LearnedLaw:
    """A law with its band, in coherent units.

    concentrations: (n,) from the least to the largest that the fitted solution visits where the law acts, beyond which the prior speaks;
    rate: (n,) the most probable law, which never falls; low, high: (n,) ends of the pointwise interval.
    """

    reaction: str
    law: MonotoneLaw
    concentrations: Floats
    rate: Floats
    low: Floats
    high: Floats


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
    return maximum_posterior(Problem(mesh, described, sought, tuple(measurements)))


def learned_laws(fit: Fit, laws: Mapping[str, MonotoneLaw], *, points: int = 50, level: float = 0.9) -> list[LearnedLaw]:
    """The laws of a fit with their bands of pointwise probability `level` at `points` concentrations.

    By Laplace's approximation z is normal about the maximum with covariance Σ (Tierney & Kadane 1986), and r linear in z there:
    var r = ∂r/∂z Σ (∂r/∂z)ᵀ. Draws of z would not do: weights that the data leave open are exp z, whose draws lie above the maximum.
    """
    fixed = fit.problem.model.values()
    found = []
    for reaction, law in laws.items():
        c = np.linspace(*visited(fit, reaction, law.of), points)
        best = law.rate(reaction, {**fixed, **fit.values}, c)

        def rate(z: Floats, reaction: str = reaction, law: MonotoneLaw = law, c: Floats = c) -> Floats:
            return law.rate(reaction, {**fixed, **fit.problem.values(z)}, c)

        half = normal_quantile(0.5 + level / 2) * linear_deviation(rate, fit.z, fit.covariance)
        found.append(LearnedLaw(reaction, law, c, best, (best - half).clip(min=0.0), best + half))
    return found


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
