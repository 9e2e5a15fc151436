"""Which features of shapes go with which observables: slopes with intervals over groups, and a control of false discoveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.populations.false_discovery import benjamini_hochberg
from cellml.populations.scales import Columns, Floats, group_numbers


@dataclass(frozen=True)
class Association:
    """One feature and one observable.

    slope: standard deviations of the observable per standard deviation of the feature, which is their correlation; low, high: its interval;
    exponent: slope in the units of the scales, the power in observable ~ feature^exponent where both are logarithms (`log_log`); all of
    what the controls leave, where there are any; p: by permutation within groups; q: after the control over all pairs; shapes, groups: how
    many it rests on.
    """

    feature: str
    observable: str
    slope: float
    low: float
    high: float
    exponent: float
    log_log: bool
    p: float
    q: float
    shapes: int
    groups: int


def associate(
    features: Columns,
    observables: Columns,
    groups: Sequence[str],
    *,
    controls: Columns | None = None,
    level: float = 0.95,
    draws: int = 5000,
    seed: int = 0,
) -> list[Association]:
    """Every pair, in the order of the columns.

    groups: of each shape (image stack, cell); what is common to a group is no independent evidence. Intervals: percentiles of a bootstrap
    that draws whole groups with replacement. p: how often permuting the observable within the groups makes the covariance, about the means
    of the groups, as large (over all shapes where each group has one shape); it tests what goes together beyond differences between groups.
    controls: columns whose linear part is taken out of both sides first (partial association). Raises CellmlError for fewer than four
    shapes, and see `group_numbers`.
    """
    numbers = group_numbers(groups, len(features.values))
    if len(numbers) < 4 or len(observables.values) != len(numbers):
        raise CellmlError(
            f"An association needs four shapes or more, with features ({len(numbers)}) and observables ({len(observables.values)})."
        )
    if draws < 100 or not 0 < level < 1:
        raise CellmlError(f"draws={draws} and level={level} must be at least 100 and between 0 and 1.")
    x, y = (_without(one.standard(), controls) for one in (features, observables))
    rng = np.random.default_rng(seed)
    slopes = _correlation(x, y)
    low, high = np.percentile(_resampled(x, y, numbers, min(draws, 2000), rng), (50 * (1 - level), 50 * (1 + level)), axis=0)
    p = permutation_p(x, y, numbers, draws, rng)
    q = benjamini_hochberg(p)
    left = [one.values.std(axis=0) * part.std(axis=0) for one, part in ((features, x), (observables, y))]
    raw = np.divide(slopes * left[1], left[0][:, None], out=np.zeros_like(slopes), where=left[0][:, None] > 0)
    both = features.logarithms[:, None] & observables.logarithms
    return [
        Association(
            feature=f,
            observable=o,
            slope=float(slopes[i, j]),
            low=float(low[i, j]),
            high=float(high[i, j]),
            exponent=float(raw[i, j]),
            log_log=bool(both[i, j]),
            p=float(p[i, j]),
            q=float(q[i, j]),
            shapes=len(numbers),
            groups=int(numbers.max()) + 1,
        )
        for i, f in enumerate(features.names)
        for j, o in enumerate(observables.names)
    ]


def permutation_p(x: Floats, y: Floats, groups: NDArray[np.int64], draws: int, rng: np.random.Generator) -> Floats:
    """Probabilities p (K, M) of no association between columns of x (N, K) and y (N, M) within groups (N,); two-sided.

    (1 + number of permutations with a covariance at least as large) / (1 + draws) (Phipson & Smyth 2010),
    over all rows where no group has two of them.
    """
    alone = np.bincount(groups).max() == 1
    groups = np.zeros_like(groups) if alone else groups
    order = np.argsort(groups, kind="stable")
    sorted_groups = groups[order]
    x, y = (_centred(one[order], sorted_groups) for one in (x, y))
    observed = np.abs(x.T @ y) * (1 - 1e-9)
    larger = np.zeros(observed.shape)
    for _ in range(draws):
        shuffled = np.lexsort((rng.random(len(x)), sorted_groups))
        larger += np.abs(x.T @ y[shuffled]) >= observed
    return np.asarray((1 + larger) / (1 + draws))


def least_p(groups: Sequence[str], draws: int) -> float:
    """The smallest p that `permutation_p` can give: of one arrangement among Π n! within groups of n shapes (N! where each group has one
    shape), or among the draws and the observed one where these are fewer.
    """
    counts = np.bincount(group_numbers(groups, len(groups)))
    sizes = [len(groups)] if counts.max() == 1 else counts.tolist()
    arrangements = float(np.exp(min(sum(lgamma(size + 1) for size in sizes), 700.0)))
    return max(1 / arrangements, 1 / (1 + draws))


def _centred(values: Floats, groups: NDArray[np.int64]) -> Floats:
    """Values (N, K) about the means of their groups."""
    counts = np.bincount(groups)
    means = np.stack([np.bincount(groups, column) / np.maximum(counts, 1) for column in values.T], axis=1)
    return np.asarray(values - means[groups])


def _without(values: Floats, controls: Columns | None) -> Floats:
    """What is left of columns (N, K) after a linear fit of the controls."""
    if controls is None:
        return values
    known = np.column_stack([np.ones(len(values)), controls.standard()])
    left = values - known @ np.linalg.lstsq(known, values, rcond=None)[0]
    return np.asarray(np.where(left.std(axis=0) > 1e-9, left, 0.0))


def _correlation(x: Floats, y: Floats) -> Floats:
    """(K, M); 0 where a column does not vary."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    sizes = np.sqrt((x**2).sum(axis=0)[:, None] * (y**2).sum(axis=0))
    return np.asarray(np.divide(x.T @ y, sizes, out=np.zeros(sizes.shape), where=sizes > 0))


def _resampled(x: Floats, y: Floats, groups: NDArray[np.int64], draws: int, rng: np.random.Generator) -> Floats:
    """Correlations (draws, K, M) of resamples that draw whole groups: only the groups' sums are needed."""
    count = int(groups.max()) + 1
    one = np.zeros((count, len(x)))
    one[groups, np.arange(len(x))] = 1.0
    weights = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    n = weights @ one.sum(axis=1)
    n = np.maximum(n, 1)[:, None]
    sx, sy, sxx, syy = (weights @ (one @ v) / n for v in (x, y, x**2, y**2))
    products = np.einsum("gn,nk,nm->gkm", one, x, y)
    covariance = np.tensordot(weights, products, 1) / n[:, :, None] - sx[:, :, None] * sy[:, None, :]
    variance = np.maximum(sxx - sx**2, 0)[:, :, None] * np.maximum(syy - sy**2, 0)[:, None, :]
    return np.asarray(np.divide(covariance, np.sqrt(variance), out=np.zeros(covariance.shape), where=variance > 1e-24))
