"""Ridge regression whose penalty the data choose, and what it predicts of rows that it has not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]
PENALTIES = np.logspace(-4, 4, 17)  # in units of the mean squared singular value


def ridge_coefficients(x: Floats, y: Floats, penalties: Floats | None = None) -> tuple[Floats, Floats]:
    """Coefficients (P, K) and intercepts (K,) of min ‖y − xβ − c‖² + λ‖β‖².

    x: (N, P); y: (N, K). For each output λ is the one of the penalties with the least generalised cross-validation error
    N ‖y − ŷ‖² / (N − tr H)² (Golub, Heath & Wahba 1979), by one singular value decomposition. penalties: values of λ, those of `PENALTIES`
    times the mean squared singular value where None.
    """
    middle, level = x.mean(axis=0), y.mean(axis=0)
    u, s, vt = np.linalg.svd(x - middle, full_matrices=False)
    kept = s > 1e-10 * max(float(s.max(initial=0.0)), 1e-300)
    u, s, vt = u[:, kept], s[kept], vt[kept]
    if not len(s):
        return np.zeros((x.shape[1], y.shape[1])), level
    along = u.T @ (y - level)
    total = ((y - level) ** 2).sum(axis=0)
    tried = PENALTIES * float((s**2).mean()) if penalties is None else penalties
    shrink = s**2 / (s**2 + tried[:, None])
    residual = total + ((shrink**2 - 2 * shrink)[:, :, None] * along**2).sum(axis=1)
    errors = residual / (len(x) - 1 - shrink.sum(axis=1)[:, None]).clip(min=1e-6) ** 2
    chosen = shrink[errors.argmin(axis=0)].T
    beta = vt.T @ (chosen / s[:, None] * along)
    return beta, level - middle @ beta


def out_of_fold(x: Floats, y: Floats, folds: int = 5, seed: int = 0) -> Floats:
    """Predictions (N, K) of ridge regression, each row by coefficients from the other folds. x: (N, P); y: (N, K).

    Raises CellmlError for fewer than three rows a fold.
    """
    if len(x) < 3 * folds:
        raise CellmlError(f"{len(x)} rows are too few for {folds} folds; a score needs at least {3 * folds}, better a hundred.")
    fold = np.random.default_rng(seed).permutation(len(x)) % folds
    predicted = np.empty_like(y, dtype=float)
    for k in range(folds):
        beta, level = ridge_coefficients(x[fold != k], y[fold != k])
        predicted[fold == k] = x[fold == k] @ beta + level
    return predicted


def rank_correlation(predicted: Floats, y: Floats) -> Floats:
    """Spearman's correlation of each column, (K,); 0 where a column is constant."""
    from scipy.stats import rankdata

    a, b = (rankdata(values, axis=0) - (len(y) + 1) / 2 for values in (predicted, y))
    lengths = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.asarray(np.where(lengths > 0, (a * b).sum(axis=0) / np.where(lengths > 0, lengths, 1.0), 0.0))
