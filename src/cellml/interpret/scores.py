"""What each subsystem of a visible network is worth.

RLIPP, relative local improvement in predictive power (Ma et al. 2018; Kuenzi et al. 2020): ridge regression predicts an output from the
states of a subsystem, and from the states of its parts (its descriptors, where it has such); the score is the relative gain in Spearman's
correlation, (ρ_subsystem − ρ_parts) / |ρ_parts|. It asks whether a subsystem makes something of its parts.

Ablation asks what the answer needs: the states of a subsystem are shuffled among rows, and the score is how much more of the outputs'
variance the root then misses. Partial power asks what only this subsystem knows: the share of variance that ridge regression on all
subsystems at the bottom loses without it. Both are 0 for a subsystem that the answer does not need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellml.interpret.hierarchy import Hierarchy
from cellml.interpret.ridge import out_of_fold, rank_correlation

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SubsystemScore:
    """One subsystem and one output.

    power, power_of_parts: Spearman correlations of ridge regression, out of fold, from its states and from its parts'; ablation: share of
    the output's variance that the root misses more when the states are shuffled; partial: share of variance that the lowest subsystems
    together explain less without it (0 for higher ones).
    """

    subsystem: str
    output: str
    power: float
    power_of_parts: float
    ablation: float
    partial: float

    @property
    def rlipp(self) -> float:
        """The relative gain of `power` over `power_of_parts`; 0 where both are 0."""
        gain = self.power - self.power_of_parts
        return gain / max(abs(self.power_of_parts), 1e-3)


@torch.no_grad()
def score_subsystems(
    net: Any, descriptors: Floats, outputs: Floats, names: Sequence[str], *, folds: int = 5, repeats: int = 5, seed: int = 0
) -> list[SubsystemScore]:
    """Scores of all subsystems for all outputs, in the order of `net.hierarchy.order`.

    net: a `VisibleNet` in evaluation mode; descriptors: (N, P) and outputs: (N, K) in the units of the table, best of rows that the network
    has not been trained on; names: of the outputs; folds: of ridge regression; repeats: shuffles; seed: of folds and shuffles.
    """
    x = net.standardised(torch.as_tensor(descriptors, dtype=torch.float32))
    y = (np.asarray(outputs, float) - net.output_middle.double().numpy()) / net.output_spread.double().numpy()
    states = net.states(x)
    power, of_parts = powers(net.hierarchy, x.double().numpy(), states.double().numpy(), y, folds=folds, seed=seed)
    worth = ablations(net, x, states, y, repeats=repeats, seed=seed)
    alone = partial_powers(net.hierarchy, states.double().numpy(), y, folds=folds, seed=seed)
    return [
        SubsystemScore(name, output, float(power[s, k]), float(of_parts[s, k]), float(worth[s, k]), float(alone[s, k]))
        for s, name in enumerate(net.hierarchy.order)
        for k, output in enumerate(names)
    ]


def powers(hierarchy: Hierarchy, x: Floats, states: Floats, y: Floats, *, folds: int = 5, seed: int = 0) -> tuple[Floats, Floats]:
    """Spearman correlations, (S, K) each, of ridge regression from each subsystem's states and from those of its parts.

    x: (N, P) descriptors; states: (N, S, d); y: (N, K).
    """
    own, parts = [], []
    for s, name in enumerate(hierarchy.order):
        own.append(rank_correlation(out_of_fold(states[:, s], y, folds, seed), y))
        parts.append(rank_correlation(out_of_fold(states_of_parts(hierarchy, name, x, states), y, folds, seed), y))
    return np.array(own), np.array(parts)


def states_of_parts(hierarchy: Hierarchy, name: str, x: Floats, states: Floats) -> Floats:
    """What enters a subsystem, (N, …): the states of its subsystems and its descriptors."""
    place, column = ({n: k for k, n in enumerate(names)} for names in (hierarchy.order, hierarchy.descriptors))
    return np.concatenate([states[:, place[c]] if c in place else x[:, [column[c]]] for c in hierarchy.children[name]], axis=1)


@torch.no_grad()
def ablations(net: Any, x: torch.Tensor, states: torch.Tensor, y: Floats, *, repeats: int = 5, seed: int = 0) -> Floats:
    """(S, K): mean gain of the root's squared error, over the variance of y, when a subsystem's states are shuffled among rows."""
    random = np.random.default_rng(seed)
    shuffles = [torch.from_numpy(random.permutation(len(x))) for _ in range(repeats)]
    whole = _missed(net, states, y)
    found = []
    for s, name in enumerate(net.hierarchy.order):
        missed = [_missed(net, net.states(x, {name: states[shuffle, s]}), y) for shuffle in shuffles]
        found.append(np.mean(missed, axis=0) - whole)
    return np.array(found) / np.maximum(y.var(axis=0), 1e-12)


def _missed(net: Any, states: torch.Tensor, y: Floats) -> Floats:
    return np.asarray(((net.told(states)[:, -1].double().numpy() - y) ** 2).mean(axis=0))


def partial_powers(hierarchy: Hierarchy, states: Floats, y: Floats, *, folds: int = 5, seed: int = 0) -> Floats:
    """(S, K): share of the variance of y that ridge regression on the states of the first level loses without a subsystem; 0 above."""
    first = len(hierarchy.levels[0])
    found = np.zeros((states.shape[1], y.shape[1]))
    variance = np.maximum(y.var(axis=0), 1e-12)

    def missed(kept: list[int]) -> Floats:
        if not kept:
            return np.asarray(y.var(axis=0))
        return np.asarray(((out_of_fold(states[:, kept].reshape(len(y), -1), y, folds, seed) - y) ** 2).mean(axis=0))

    whole = missed(list(range(first)))
    for s in range(first):
        found[s] = (missed([k for k in range(first) if k != s]) - whole) / variance
    return found
