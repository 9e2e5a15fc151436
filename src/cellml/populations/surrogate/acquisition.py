"""Which shapes to simulate next: rules that choose from candidates what a surrogate would learn most from.

A rule is called with an `Occasion` and returns numbers of candidates, the first choice first. Those here ask the surrogate; those of
`design` go by features alone. The covariance between two shapes is that of the members' opinions, damped with the distance of their
features: a few members know it badly between far shapes (localisation as in ensemble Kalman filters, Houtekamer & Mitchell 2001).
"""

from __future__ import annotations

import numpy as np

from cellml.errors import CellmlError
from cellml.populations.surrogate.design import experimental_design, farthest_first
from cellml.populations.surrogate.ensemble import FEWEST, DeepEnsemble, Floats
from cellml.populations.surrogate.occasion import Index, Occasion, Rule, largest_reduction, observed, square_distances

_ALIKE = 0.3  # share of the squared weights of features that no surrogate changes


def opinion_covariance(occasion: Occasion, reach: float = 1.0) -> Floats:
    """Of the candidates' observables, summed over these, (N, N). reach: distance over which it is damped, in typical spreads."""
    opinions = occasion.learned().opinions(occasion.candidates)
    about = opinions - opinions.mean(axis=0)
    raw = np.einsum("mnt,mkt->nk", about, about) / len(about)
    x = occasion.scaled(occasion.candidates)
    return np.asarray(raw * np.exp(-0.5 * square_distances(x, x) / reach**2))


def at_random(occasion: Occasion, count: int) -> Index:
    """Any of the candidates."""
    return np.asarray(occasion.rng.permutation(len(occasion.candidates))[:count])


def largest_variance(occasion: Occasion, count: int) -> Index:
    """Those on which the members disagree most, summed over the standardised observables."""
    variance = occasion.learned().opinions(occasion.candidates).var(axis=0).sum(axis=1)
    return np.argsort(-variance, kind="stable")[:count]


def diverse_variance(occasion: Occasion, count: int) -> Index:
    """The largest variance given those chosen before it: pivots of a Cholesky factorisation of the covariance."""
    covariance, noise = opinion_covariance(occasion), float(occasion.learned().noise().sum())
    chosen: list[int] = []
    for _ in range(min(count, len(covariance))):
        left = np.diag(covariance).copy()
        left[chosen] = -np.inf
        chosen.append(int(left.argmax()))
        covariance = observed(covariance, chosen[-1], noise)
    return np.array(chosen, np.int64)


def expected_error_reduction(occasion: Occasion, count: int) -> Index:
    """What lowers the members' mean variance over all candidates most, one after the other (Cohn, Ghahramani & Jordan 1996)."""
    covariance, noise = opinion_covariance(occasion), float(occasion.learned().noise().sum())
    return largest_reduction(covariance, noise, np.arange(len(covariance)), count)


def learned_design(occasion: Occasion, count: int) -> Index:
    """An experimental design in which features count as much as the surrogate's answers depend on them.

    A feature's squared weight is a share of 0.3 for all alike, as the surrogate may have missed it, and its squared sensitivity over the
    mean of these for the rest. Before there is a surrogate all count alike.
    """
    if occasion.surrogate is None:
        return experimental_design(occasion, count)
    square = occasion.surrogate.sensitivity(np.concatenate([occasion.known, occasion.candidates])) ** 2
    return experimental_design(occasion, count, np.sqrt(_ALIKE + (1 - _ALIKE) * square / max(float(square.mean()), 1e-30)))


RULES: tuple[Rule, ...] = (
    at_random,
    largest_variance,
    diverse_variance,
    expected_error_reduction,
    farthest_first,
    experimental_design,
    learned_design,
)


def next_shapes(
    known: Floats,
    answers: Floats,
    candidates: Floats,
    count: int,
    *,
    rule: Rule = expected_error_reduction,
    start: Rule = experimental_design,
    seed: int = 0,
    members: int = 8,
) -> Index:
    """Numbers (count,) of the candidates to simulate next, the most wanted first.

    known: (n, K) features of shapes that were simulated, answers: (n, T) their observables, candidates: (N, K) features of those that could
    be; all on scales on which differences count (logarithms of sizes and times: `cellml.populations.scales.Columns`). A fresh ensemble
    is fitted to what is known, and `rule` asks it; before there is enough to fit (n may be 0) `start` chooses, by features alone.
    Raises CellmlError for fewer candidates than asked for, arrays that do not go together, and see `DeepEnsemble.learn`.
    """
    if not 0 < count <= len(candidates):
        raise CellmlError(f"{count} shapes cannot be chosen from {len(candidates)} candidates.")
    if known.shape[1:] != candidates.shape[1:] or len(known) != len(answers):
        raise CellmlError(
            f"Known shapes {known.shape}, their answers {answers.shape} and candidates {candidates.shape} do not go together: known and "
            "candidates need the same features, and each known shape its answers."
        )
    rng = np.random.default_rng(seed)
    if len(known) < FEWEST:
        return start(Occasion(None, known, candidates, rng), count)
    surrogate = DeepEnsemble(known.shape[1], answers.shape[1], members=members, seed=seed).learn(known, answers)
    return rule(Occasion(surrogate, known, candidates, rng), count)
