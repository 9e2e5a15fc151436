"""Generators that have learned nothing, to see what a score says of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.population import Population


def memorised(train: Population, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Numbers of the training shapes that a memoriser gives: drawn without replacement, beginning anew when all are drawn.

    A memoriser reaches the best scores of every comparison of distributions; what it lacks is anything new, which `copied_share` sees.
    """
    if not len(train) or count < 1:
        raise CellmlError(f"A memoriser of {len(train)} shapes cannot give {count}.")
    rng = np.random.default_rng(seed)
    rounds = -(-count // len(train))
    return np.concatenate([rng.permutation(len(train)) for _ in range(rounds)])[:count]


def copied_share(to_train: NDArray[np.float64], within_train: NDArray[np.float64], quantile: float = 0.01) -> float:
    """Share of generated shapes that are nearer to a training shape than nearly all training shapes are to each other.

    to_train: (M, N) distances of generated from training shapes; within_train: (N, N); quantile: of the distances of training shapes to
    their nearest other. 1 for a memoriser; about `quantile` where new shapes are as far from the training shapes as these are.
    """
    others = within_train + np.where(np.eye(len(within_train), dtype=bool), np.inf, 0.0)
    limit = float(np.quantile(others.min(axis=1), quantile))
    return float((to_train.min(axis=1) <= limit).mean())
