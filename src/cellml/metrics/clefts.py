"""The CREMI challenge's distances between predicted and true synaptic clefts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.metrics.surface_distances import nearest_distances
from cellml.metrics.surface_voxels import surface_voxels
from cellml.types import Triple

Pairs = Callable[[], Iterable[tuple[NDArray[Any], NDArray[Any]]]]
FAR_NM = 200.0


@dataclass(frozen=True)
class CleftScores:
    """adgt_nm: average distance of a predicted cleft voxel to the nearest true one; adf_nm: of a true one to the nearest predicted one;
    score_nm: the mean of both, the challenge's cleft score; false_positives, false_negatives: predicted and true cleft voxels more than
    200 nm away from any of the other; truth_voxels, prediction_voxels. Infinite where one side has no cleft, NaN where neither has.
    """

    score_nm: float
    adgt_nm: float
    adf_nm: float
    false_positives: int
    false_negatives: int
    truth_voxels: int
    prediction_voxels: int


def cleft_scores(pairs: Pairs, spacing: Triple) -> CleftScores:
    """Compare cleft masks read slab by slab; spacing: (z, y, x) in nm.

    pairs: a function that starts from the first slab anew, each a pair (prediction, truth) of (z, Y, X) arrays, not 0 in clefts. The
    nearest voxel of a mask to a point outside of it lies on its surface, so that only surface voxels are kept.
    """
    predicted = surface_voxels((prediction != 0) for prediction, _ in pairs()).voxels
    true = surface_voxels((truth != 0) for _, truth in pairs()).voxels
    found = np.zeros((2, 3))  # rows: predicted, true voxels; columns: number, sum of distances, far ones
    first = 0
    for prediction, truth in pairs():
        found[0] += _towards(prediction != 0, truth != 0, true, spacing, first)
        found[1] += _towards(truth != 0, prediction != 0, predicted, spacing, first)
        first += len(truth)
    sizes = found[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        adgt, adf = found[:, 1] / sizes
    if sizes.any() and not sizes.all():
        adgt = adf = float("inf")
    return CleftScores(float((adgt + adf) / 2), float(adgt), float(adf), int(found[0, 2]), int(found[1, 2]), int(sizes[1]), int(sizes[0]))


def _towards(
    mask: NDArray[np.bool_], other: NDArray[np.bool_], surface: NDArray[np.int32], spacing: Triple, first: int
) -> NDArray[np.float64]:
    """Number of voxels of `mask`, the sum of their distances to `other`, whose surface is given, and how many are far."""
    count = np.count_nonzero(mask)
    outside = np.argwhere(mask & ~other) + np.array([first, 0, 0])
    if not len(outside):
        return np.array([count, 0.0, 0.0])
    distances = nearest_distances(outside, surface, spacing) if len(surface) else np.full(len(outside), np.inf)
    return np.array([count, distances.sum(), np.count_nonzero(distances > FAR_NM)])
