"""How far the surfaces of two shapes are apart, in nanometres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.types import Triple


@dataclass(frozen=True)
class SurfaceScores:
    """Distances between the surface voxels of a prediction and of a truth, centre to centre.

    assd_nm: average symmetric surface distance, (Σ d(p, T) + Σ d(t, P)) / (|P| + |T|); hausdorff_nm: largest of all d(p, T), d(t, P);
    hausdorff95_nm: the larger of the 95th percentiles of d(p, T) and of d(t, P); surface_dice: share of the surface voxels of both with a
    distance of at most the tolerance (normalised surface Dice: Nikolov et al. 2021, doi:10.2196/26151, each voxel counted once);
    truth_voxels, prediction_voxels: on the surfaces. Where one surface is empty the distances are infinite and the Dice is 0; where both
    are, all are NaN.
    """

    assd_nm: float
    hausdorff_nm: float
    hausdorff95_nm: float
    surface_dice: float
    truth_voxels: int
    prediction_voxels: int


def surface_scores(truth: NDArray[Any], prediction: NDArray[Any], spacing: Triple, tolerance_nm: float) -> SurfaceScores:
    """Compare surface voxels (n, 3), (z, y, x), of one object; spacing: (z, y, x) in nm, may differ between axes."""
    sizes = len(truth), len(prediction)
    if not all(sizes):
        distance, dice = (float("nan"), float("nan")) if not any(sizes) else (float("inf"), 0.0)
        return SurfaceScores(distance, distance, distance, dice, *sizes)
    there, back = nearest_distances(prediction, truth, spacing), nearest_distances(truth, prediction, spacing)
    both = np.concatenate([there, back])
    return SurfaceScores(
        assd_nm=float(both.mean()),
        hausdorff_nm=float(both.max()),
        hausdorff95_nm=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        surface_dice=float((both <= tolerance_nm * (1 + 1e-9)).mean()),
        truth_voxels=sizes[0],
        prediction_voxels=sizes[1],
    )


def nearest_distances(points: NDArray[Any], others: NDArray[Any], spacing: Triple) -> NDArray[np.float64]:
    """For each of `points` (n, 3) the distance in nm to the nearest of `others` (m, 3), m > 0; both in voxels (z, y, x)."""
    from scipy.spatial import cKDTree

    step = np.asarray(spacing, float)
    return np.asarray(cKDTree(others * step, leafsize=32).query(points * step)[0], float)
