"""How fast a surrogate learns when a rule chooses what is simulated: its errors over the number of solves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellml.errors import CellmlError
from cellml.populations.surrogate.acquisition import at_random
from cellml.populations.surrogate.ensemble import FEWEST, DeepEnsemble, Floats
from cellml.populations.surrogate.occasion import Index, Occasion, Rule


@dataclass(frozen=True)
class Budget:
    """solves: numbers of simulations, increasing, after each of which a fresh ensemble learns and the rule chooses as far as the next;
    members, steps: of the ensembles. Raises CellmlError for numbers of solves that no ensemble can learn from.
    """

    solves: tuple[int, ...] = (8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96)
    members: int = 8
    steps: int = 200

    def __post_init__(self) -> None:
        if not self.solves or self.solves[0] < FEWEST or any(b <= a for a, b in zip(self.solves, self.solves[1:], strict=False)):
            raise CellmlError(f"solves={self.solves} must increase, from {FEWEST} or more.")


def learning_curve(
    x: Floats, y: Floats, pool: Index, judged: Sequence[Index], rule: Rule, budget: Budget, seed: int, start: Rule = at_random
) -> list[list[Floats]]:
    """After each number of solves, and for each of the sets `judged`, what the surrogate's answers miss: (rows, T), in standard deviations
    of the observables in the pool.

    x: (N, K), y: (N, T) of all shapes; pool: rows that may be simulated, of which the last number of solves may be all; start: what chooses
    the first. A fresh ensemble learns each time, from the same beginnings for all rules of a seed; where shapes are first chosen at random
    they are the same too. Raises CellmlError for more solves than the pool has shapes.
    """
    if budget.solves[-1] > len(pool):
        raise CellmlError(f"{budget.solves[-1]} solves are more than the pool has shapes, {len(pool)}.")
    rng, scale = np.random.default_rng([seed, 1]), y[pool].std(axis=0)
    ensemble, chosen, missed = None, np.empty(0, np.int64), []
    for solves in budget.solves:
        left = np.setdiff1d(pool, chosen)
        occasion = Occasion(ensemble, x[chosen], x[left], rng)
        chosen = np.concatenate([chosen, left[(start if ensemble is None else rule)(occasion, solves - len(chosen))]])
        ensemble = DeepEnsemble(x.shape[1], y.shape[1], members=budget.members, steps=budget.steps, seed=seed).learn(x[chosen], y[chosen])
        missed.append([(ensemble.predict(x[rows])[0] - y[rows]) / scale for rows in judged])
    return missed


def solves_needed(solves: Sequence[float], errors: Sequence[float], error: float) -> float:
    """Solves at which a curve first comes down to an error, between its points by straight lines; infinite where it never does."""
    for n, one in enumerate(errors):
        if one <= error:
            if n == 0:
                return float(solves[0])
            share = (errors[n - 1] - error) / (errors[n - 1] - one)
            return float(solves[n - 1] + share * (solves[n] - solves[n - 1]))
    return float("inf")
