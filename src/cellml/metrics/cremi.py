"""The scores of the CREMI challenge (cremi.org)."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.metrics.partition import PartitionScores
from cellml.types import Triple


def cremi_score(scores: PartitionScores) -> float:
    """√(VI · adapted Rand error), the geometric mean by which the challenge ranks neuron segmentations; 0 is perfect.

    VI = split + merge in bits, both over the voxels with truth > 0. Variant: prediction 0 is one ordinary segment in both factors (the
    challenge's code counts it so in VI, and voxel by voxel in the Rand error, which differs only where a prediction leaves voxels at 0).
    """
    return sqrt(max(scores.adapted_rand_error, 0.0) * scores.voi_sum)


def away_from_borders(truth: NDArray[Any], spacing: Triple, distance_nm: float) -> NDArray[np.bool_]:
    """Where a voxel is further than `distance_nm` from the borders of true objects in its own section, (Z, Y, X) bool.

    truth: (Z, Y, X) labels. A voxel is on a border if one of its four neighbours in the section has another label; distances are those to
    the nearest border voxel's centre (the challenge's border mask). Sections stand for themselves.
    """
    from scipy.ndimage import distance_transform_edt

    away = np.ones(truth.shape, bool)
    for section, far in zip(truth, away, strict=True):
        border = np.zeros(section.shape, bool)
        for axis in (0, 1):
            one, other = np.moveaxis(section, axis, 0), np.moveaxis(border, axis, 0)
            differs = one[1:] != one[:-1]
            other[1:] |= differs
            other[:-1] |= differs
        if border.any():
            far[:] = distance_transform_edt(~border, sampling=spacing[1:]) > distance_nm
    return away
