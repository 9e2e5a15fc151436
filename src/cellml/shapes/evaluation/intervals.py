"""How far two samples of one number are apart, with intervals that respect what belongs together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its interval, which holds `level` of the resamples."""

    value: float
    low: float
    high: float
    level: float


def wasserstein(one: Floats, other: Floats) -> float:
    """∫ |F₁ − F₂| dx, the 1-Wasserstein distance of two samples of numbers, in their unit (Vaserstein 1969)."""
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(_sound(one, "first"), _sound(other, "second")))


def wasserstein_interval(
    real: Floats, generated: Floats, groups: Sequence[str] | None = None, *, level: float = 0.9, draws: int = 1000, seed: int = 0
) -> Interval:
    """The distance, and percentiles of it over bootstrap draws; these lie above it where samples are small, for the distance is positive.

    groups: of the real values, drawn whole with replacement (stacks, cells); None: each value by itself, as the generated ones are.
    """
    return _bootstrap(real, generated, groups, wasserstein, level, draws, seed)


def median_ratio_interval(
    real: Floats, generated: Floats, groups: Sequence[str] | None = None, *, level: float = 0.9, draws: int = 1000, seed: int = 0
) -> Interval:
    """median(generated) / median(real) of positive numbers, and its bootstrap percentiles. groups: as in `wasserstein_interval`."""
    if (np.concatenate([real, generated]) <= 0).any():
        raise CellmlError("A ratio of medians needs positive numbers; some are 0 or below.")
    return _bootstrap(real, generated, groups, lambda one, other: float(np.median(other) / np.median(one)), level, draws, seed)


@dataclass(frozen=True)
class SplitReference:
    """distance: mean distance of generated from real samples of `size`; splits: `quantile` of that of real samples from real ones of other
    groups; within: whether the one is within the other.
    """

    distance: float
    splits: float
    within: bool
    size: int
    quantile: float


def against_splits(
    real: Floats,
    generated: Floats,
    groups: Sequence[str] | None = None,
    *,
    size: int | None = None,
    quantile: float = 0.95,
    draws: int = 500,
    seed: int = 0,
) -> SplitReference:
    """Whether generated values are as near to real ones as real ones of other groups are, samples of equal size on all sides.

    Real values are split at random into two halves, so that no group is on both sides (each value by itself where groups is None), and
    `size` are drawn of either half; size: default two fifths of the real values, and at most all generated ones. Raises CellmlError where
    there are too few.
    """
    real, generated = _sound(real, "real"), _sound(generated, "generated")
    labels = np.arange(len(real)).astype(str) if groups is None else np.asarray(groups)
    size = min(int(0.4 * len(real)), len(generated)) if size is None else size
    names = np.unique(labels)
    if size < 2 or size > len(generated) or size > len(real) // 2 or len(names) < 2:
        raise CellmlError(
            f"{len(real)} real values of {len(names)} groups and {len(generated)} generated ones cannot be compared in samples of {size}."
        )
    rng = np.random.default_rng(seed)
    apart, between = [], []
    for _ in range(draws):
        first = np.isin(labels, _half(names, labels, rng))
        one, other = (rng.permutation(real[side])[:size] for side in (first, ~first))
        if min(len(one), len(other)) < size:
            continue
        apart.append(wasserstein(one, other))
        between.append(wasserstein(rng.permutation(real)[:size], rng.permutation(generated)[:size]))
    if not apart:
        raise CellmlError(f"No split of {len(names)} groups has {size} values on either side; take a smaller size.")
    limit, distance = float(np.quantile(apart, quantile)), float(np.mean(between))
    return SplitReference(distance, limit, distance <= limit, size, quantile)


def _half(names: NDArray[np.str_], labels: NDArray[np.str_], rng: np.random.Generator) -> list[str]:
    """Groups in random order until they hold half of the values."""
    chosen, held = [], 0
    for name in rng.permutation(names):
        if held >= len(labels) / 2:
            break
        chosen.append(str(name))
        held += int((labels == name).sum())
    return chosen


def _bootstrap(
    real: Floats,
    generated: Floats,
    groups: Sequence[str] | None,
    of: Callable[[Floats, Floats], float],
    level: float,
    draws: int,
    seed: int,
) -> Interval:
    real, generated = _sound(real, "real"), _sound(generated, "generated")
    if groups is not None and len(groups) != len(real):
        raise CellmlError(f"{len(real)} real values have {len(groups)} groups; give one group a value.")
    members = [np.array([i]) for i in range(len(real))] if groups is None else _members(groups)
    rng, found = np.random.default_rng(seed), []
    for _ in range(draws):
        rows = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        found.append(of(real[rows], rng.choice(generated, len(generated))))
    low, high = np.percentile(found, (50 * (1 - level), 50 * (1 + level)))
    return Interval(of(real, generated), float(low), float(high), level)


def _members(groups: Sequence[str]) -> list[NDArray[np.int64]]:
    labels = np.asarray(groups)
    return [np.flatnonzero(labels == name) for name in np.unique(labels)]


def _sound(values: Floats, which: str) -> Floats:
    array = np.asarray(values, np.float64).reshape(-1)
    if array.size < 2 or not np.isfinite(array).all():
        raise CellmlError(f"The {which} sample needs at least two finite numbers; {np.isfinite(array).sum()} of {array.size} are.")
    return array
