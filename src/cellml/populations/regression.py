"""All features together: a ridge regression, judged on groups that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.data.labelled_mesh import folds_by_group
from cellml.interpret.ridge import ridge_coefficients
from cellml.populations.scales import Columns, Floats, group_numbers

_PENALTIES = np.logspace(-3, 5, 33)
_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Regression:
    """Of one observable on all features. coefficients: (K,) standard deviations of the observable per standard deviation of a feature,
    others held; low, high: their intervals; r2: share of the variance that is explained in left-out groups, with its interval.
    """

    observable: str
    coefficients: Floats
    low: Floats
    high: Floats
    r2: float
    r2_low: float
    r2_high: float


def regress(
    features: Columns, observables: Columns, groups: Sequence[str], *, level: float = 0.95, draws: int = 300, seed: int = 0
) -> list[Regression]:
    """One regression an observable; penalties by generalised cross-validation (Golub, Heath & Wahba 1979).

    Intervals: percentiles over a bootstrap that draws whole groups. Descriptors of shapes are collinear: a coefficient says what a feature
    adds to the others, not what it does alone.
    """
    numbers = group_numbers(groups, len(features.values))
    rng = np.random.default_rng(seed)
    x, members = features.standard(), [np.flatnonzero(numbers == g) for g in range(int(numbers.max()) + 1)]
    chosen = [np.concatenate([members[g] for g in rng.integers(len(members), size=len(members))]) for _ in range(draws)]
    folds = folds_by_group([str(g) for g in numbers], min(_FOLDS, len(members)))
    ends = (50 * (1 - level), 50 * (1 + level))
    found = []
    for name, y in zip(observables.names, observables.standard().T, strict=True):
        low, high = np.percentile([ridge(x[rows], y[rows])[0] for rows in chosen], ends, axis=0)
        errors, spread = _left_out(x, y, folds)
        shares = [1 - errors[rows].sum() / max(spread[rows].sum(), 1e-30) for rows in chosen]
        r2_low, r2_high = np.percentile(shares, ends)
        r2 = 1 - errors.sum() / spread.sum()
        found.append(Regression(name, ridge(x, y)[0], low, high, float(r2), float(r2_low), float(r2_high)))
    return found


def ridge(x: Floats, y: Floats) -> tuple[Floats, float]:
    """Coefficients (K,) and intercept of the ridge regression of y (N,) on x (N, K), see `cellml.interpret.ridge`."""
    coefficients, intercept = ridge_coefficients(x, y[:, None], _PENALTIES)
    return coefficients[:, 0], float(intercept[0])


def _left_out(x: Floats, y: Floats, folds: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Squared errors (N,) in folds that were left out, and squared distances from the mean of the others."""
    errors, spread = np.empty(len(y)), np.empty(len(y))
    for fold in np.unique(folds):
        held = folds == fold
        coefficients, intercept = ridge(x[~held], y[~held])
        errors[held] = (y[held] - x[held] @ coefficients - intercept) ** 2
        spread[held] = (y[held] - y[~held].mean()) ** 2
    return errors, spread
