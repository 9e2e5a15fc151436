"""Learning a rate law inside the simulator, from time courses of whatever the model can be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.constitutive.monotone import MonotoneLaw, with_laws
from cellml.sim.estimation.fit import Fit, maximum_posterior
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
    rate: (n,) the most probable law; low, high: (n,) ends of the pointwise interval; draws: (samples, n) laws of the posterior, each of
    which never falls.
    """

    reaction: str
    law: MonotoneLaw
    concentrations: Floats
    rate: Floats
    low: Floats
    high: Floats
    draws: Floats


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


def learned_laws(
    fit: Fit, laws: Mapping[str, MonotoneLaw], *, points: int = 50, samples: int = 400, level: float = 0.9, seed: int = 0
) -> list[LearnedLaw]:
    """The laws of a fit with their bands, by Laplace's approximation: z is normal about the maximum (Tierney & Kadane 1986).

    points: concentrations of each law; samples: draws behind a band of the pointwise probability `level`; seed: of the draws.
    """
    low, high = fit.problem.bounds
    drawn = np.random.default_rng(seed).multivariate_normal(fit.z, fit.covariance, samples, method="eigh").clip(low, high)
    fixed = fit.problem.model.values()
    found = []
    for reaction, law in laws.items():
        c = np.linspace(*visited(fit, reaction, law.of), points)
        rates = np.array([law.rate(reaction, {**fixed, **fit.problem.values(z)}, c) for z in drawn])
        best = law.rate(reaction, {**fixed, **fit.values}, c)
        ends = np.quantile(rates, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        found.append(LearnedLaw(reaction, law, c, best, ends[0], ends[1], rates))
    return found


def visited(fit: Fit, reaction: str, species: str) -> tuple[float, float]:
    """The least and the largest concentration of a species at the nodes where a reaction acts, over the fitted solution."""
    _, trajectory, _ = fit.problem.solution(fit.z)
    term = next(term for term in fit.problem.system.terms if term.reaction.name == reaction)
    nodes = term.unknowns[species]
    states = [trajectory.first, *(record.state for record in trajectory.records)]
    values = np.array([state[nodes] for state in states])
    return max(float(values.min()), 0.0), float(values.max())
