"""How fast a surrogate learns when a rule chooses what is simulated: the curve of its error over the number of solves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellml.populations.surrogate.acquisition import Index, Occasion, Rule
from cellml.populations.surrogate.ensemble import DeepEnsemble, Floats


@dataclass(frozen=True)
class Budget:
    """begin: shapes that are drawn at random first; batch: chosen at a time; end: solves in all; members, steps: of the ensembles."""

    begin: int = 12
    batch: int = 8
    end: int = 140
    members: int = 8
    steps: int = 200


def learning_curve(
    x: Floats, y: Floats, pool: Index, judged: Sequence[Index], rule: Rule, budget: Budget, seed: int
) -> tuple[list[int], list[list[float]]]:
    """Numbers of solves, and at each the error on each of the sets `judged`: root mean square over rows and observables, in standard
    deviations of the observables in the pool.

    x: (N, K), y: (N, T) of all shapes; pool: rows that may be simulated. A fresh ensemble learns at each step, from the same beginnings for
    all rules of a seed; the first shapes are the same for all rules too.
    """
    rng = np.random.default_rng([seed, 1])
    chosen = list(np.random.default_rng([seed, 0]).permutation(pool)[: budget.begin])
    scale = y[pool].std(axis=0)
    solves, errors = [], []
    while True:
        ensemble = DeepEnsemble(x.shape[1], y.shape[1], members=budget.members, steps=budget.steps, seed=seed).learn(x[chosen], y[chosen])
        solves.append(len(chosen))
        errors.append([float(np.sqrt((((ensemble.predict(x[rows])[0] - y[rows]) / scale) ** 2).mean())) for rows in judged])
        wanted = min(budget.batch, budget.end - len(chosen))
        left = np.setdiff1d(pool, chosen)
        if wanted < 1 or not len(left):
            return solves, errors
        chosen += left[rule(Occasion(ensemble, x[chosen], x[left], rng), wanted)].tolist()


def solves_needed(solves: Sequence[int], errors: Sequence[float], error: float) -> float:
    """Solves at which a curve first comes down to an error, between its points by straight lines; infinite where it never does."""
    for n, one in enumerate(errors):
        if one <= error:
            if n == 0:
                return float(solves[0])
            share = (errors[n - 1] - error) / (errors[n - 1] - one)
            return float(solves[n - 1] + share * (solves[n] - solves[n - 1]))
    return float("inf")
