"""Whether generated shapes can be told from real ones, from the distances between them alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]

_TIE = 1e-12  # of the mean distance: copies of one shape are equally near


@dataclass(frozen=True, eq=False)
class Distances:
    """real: (N, N) and generated: (M, M) between shapes of one kind; between: (N, M), real by generated; ≥ 0, in one unit."""

    real: Floats
    generated: Floats
    between: Floats

    def __post_init__(self) -> None:
        n, m = self.between.shape
        if self.real.shape != (n, n) or self.generated.shape != (m, m):
            raise CellmlError(f"Distances of {n} real and {m} generated shapes disagree: {self.real.shape}, {self.generated.shape}.")
        if not all(np.isfinite(part).all() for part in (self.real, self.generated, self.between)):
            raise CellmlError("Some distances between shapes are NaN or infinite; a descriptor of one shape is not finite. Leave it out.")

    def select(self, real: NDArray[np.int64], generated: NDArray[np.int64]) -> Distances:
        """The distances between some of the shapes."""
        return Distances(self.real[np.ix_(real, real)], self.generated[np.ix_(generated, generated)], self.between[np.ix_(real, generated)])


@dataclass(frozen=True)
class OneNearest:
    """accuracy: mean over draws; low, high: their 5th and 95th percentile; p_value: share of permuted labels whose accuracy is as far from
    their mean or farther, both ways; size: shapes of either kind in a draw; draws.
    """

    accuracy: float
    low: float
    high: float
    p_value: float
    size: int
    draws: int


def euclidean_distances(real: Floats, generated: Floats) -> Distances:
    """Distances (not squared) between rows of numbers, (N, K) and (M, K). Raises CellmlError where their lengths disagree."""
    from scipy.spatial.distance import cdist

    if real.ndim != 2 or generated.ndim != 2 or real.shape[1] != generated.shape[1]:
        raise CellmlError(f"Real shapes have {real.shape[1:]} numbers each and generated ones {generated.shape[1:]}; they must agree.")
    return Distances(cdist(real, real), cdist(generated, generated), cdist(real, generated))


def standardised(reference: Floats, *tables: Floats) -> tuple[Floats, ...]:
    """Tables (·, K) less the mean and over the standard deviation of the reference's columns; columns without spread are left out."""
    spread = reference.std(axis=0)
    kept = spread > 1e-12 * np.maximum(np.abs(reference).max(axis=0), 1e-300)
    return tuple((table[:, kept] - reference[:, kept].mean(axis=0)) / spread[kept] for table in tables)


def one_nearest_accuracy(distances: Distances) -> float:
    """Share of shapes whose nearest other shape is of their own kind, leaving one out; 0.5 where the kinds cannot be told apart.

    1-NN classifier two-sample test (Lopez-Paz & Oquab 2017). Where several are equally near, the share of them that is of the own kind.
    Above 0.5 the kinds differ; below it generated shapes lie on real ones, as copies do.
    """
    joint, kind = _joint(distances)
    return _accuracy(_nearest(joint), kind)


def one_nearest_test(
    distances: Distances, *, size: int | None = None, draws: int = 200, permutations: int = 500, seed: int = 0
) -> OneNearest:
    """The accuracy over draws of equally many shapes of either kind, without replacement, and whether it could be chance.

    size: of either kind in a draw; four fifths of the rarer kind where None. The permutation test relabels the shapes of one draw.
    Raises CellmlError for fewer than 4 shapes of a kind, or a size larger than a kind.
    """
    n, m = distances.between.shape
    fewest = min(n, m)
    size = max(2, round(0.8 * fewest)) if size is None else size
    if fewest < 4 or not 2 <= size <= fewest:
        raise CellmlError(f"There are {n} real and {m} generated shapes; a test of {size} against {size} needs at least as many, and four.")
    rng = np.random.default_rng(seed)
    found, chance, observed = [], [], 0.0
    for draw in range(draws):
        part = distances.select(rng.permutation(n)[:size], rng.permutation(m)[:size])
        joint, kind = _joint(part)
        nearest = _nearest(joint)
        found.append(_accuracy(nearest, kind))
        if draw == 0:
            observed = found[0]
            chance = [_accuracy(nearest, rng.permutation(kind)) for _ in range(permutations)]
    away = np.abs(np.array(chance) - np.mean(chance))
    p_value = (1 + int((away >= abs(observed - np.mean(chance)) - 1e-12).sum())) / (1 + len(chance))
    low, high = np.percentile(found, (5, 95))
    return OneNearest(float(np.mean(found)), float(low), float(high), float(p_value), size, draws)


def coverage(distances: Distances) -> float:
    """Share of real shapes that are the nearest real one of some generated shape (Achlioptas et al. 2018): low where modes are missing."""
    return float(np.unique(distances.between.argmin(axis=0)).size / len(distances.between))


def minimum_matching_distance(distances: Distances) -> float:
    """Mean distance of a real shape to its nearest generated one (MMD of Achlioptas et al. 2018), in the unit of the distances."""
    return float(distances.between.min(axis=1).mean())


def kernel_discrepancy(distances: Distances) -> float:
    """Unbiased squared maximum mean discrepancy (Gretton et al. 2012, eq. 3) with the kernel exp(−d²/2σ²), σ the median distance.

    About 0 where both kinds come from one distribution; it may be negative.
    """
    n, m = distances.between.shape
    joint, _ = _joint(distances)
    sigma = float(np.median(joint[np.triu_indices(n + m, 1)])) or 1.0
    real, made, between = (np.exp(-(part**2) / (2 * sigma**2)) for part in (distances.real, distances.generated, distances.between))
    same = (real.sum() - n) / (n * (n - 1)) + (made.sum() - m) / (m * (m - 1))
    return float(same - 2 * between.mean())


def _joint(distances: Distances) -> tuple[Floats, NDArray[np.bool_]]:
    joint = np.block([[distances.real, distances.between], [distances.between.T, distances.generated]])
    return joint, np.arange(len(joint)) < len(distances.real)


def _nearest(joint: Floats) -> Floats:
    """Weights (N, N) that share one among the nearest other shapes of each row."""
    others = joint + np.where(np.eye(len(joint), dtype=bool), np.inf, 0.0)
    tied = others <= others.min(axis=1, keepdims=True) + _TIE * float(joint.mean())
    return tied / tied.sum(axis=1, keepdims=True)


def _accuracy(nearest: Floats, kind: NDArray[np.bool_]) -> float:
    return float((nearest * (kind[:, None] == kind[None])).sum() / len(kind))
