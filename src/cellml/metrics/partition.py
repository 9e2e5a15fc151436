"""Scores of one partition of space against another, all from their contingency table.

p_ij = n_ij / n is the share of voxels with truth label i and predicted label j, t_i = Σ_j p_ij, s_j = Σ_i p_ij.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable


@dataclass(frozen=True)
class PartitionScores:
    """How well a prediction partitions the labelled voxels (truth > 0).

    adapted_rand_error, adapted_rand_precision, adapted_rand_recall, v_rand, v_info: 0 to 1; voi_split, voi_merge, voi_sum: bits;
    voxels_scored: voxels with truth > 0; prediction_zero_share: the share of them that the prediction leaves at 0, counted as one
    ordinary segment; truth_objects, prediction_objects: labels > 0 among the scored voxels.
    """

    adapted_rand_error: float
    adapted_rand_precision: float
    adapted_rand_recall: float
    voi_split: float
    voi_merge: float
    voi_sum: float
    v_rand: float
    v_info: float
    voxels_scored: int
    prediction_zero_share: float
    truth_objects: int
    prediction_objects: int


def partition_scores(table: ContingencyTable) -> PartitionScores:
    """All scores over the voxels with truth > 0; prediction 0 is one ordinary segment.

    Raises CellmlError if no voxel has truth > 0.
    """
    scored = table.labelled()
    if scored.voxels == 0:
        raise CellmlError(
            f"None of the {table.voxels} voxels has truth > 0, so there is nothing to score; check the truth labels, region and mask."
        )
    error, precision, recall = adapted_rand_error(scored)
    split, merge = variation_of_information(scored)
    predicted, sizes = scored.prediction_sizes
    return PartitionScores(
        adapted_rand_error=error,
        adapted_rand_precision=precision,
        adapted_rand_recall=recall,
        voi_split=split,
        voi_merge=merge,
        voi_sum=split + merge,
        v_rand=rand_f_score(scored),
        v_info=information_f_score(scored),
        voxels_scored=scored.voxels,
        prediction_zero_share=float(sizes[predicted == 0].sum() / scored.voxels),
        truth_objects=int(scored.truth_sizes[0].size),
        prediction_objects=int((predicted > 0).sum()),
    )


def adapted_rand_error(table: ContingencyTable) -> tuple[float, float, float]:
    """Error 1 − F, precision and recall of the pairs of voxels put together.

    precision = Σ n_ij(n_ij − 1) / Σ_j s_j(s_j − 1), recall = Σ n_ij(n_ij − 1) / Σ_i t_i(t_i − 1), F their harmonic mean (sizes in voxels;
    Arganda-Carreras et al. 2015, doi:10.3389/fnana.2015.00142, without drawing a voxel twice). A side without any pair (all its segments
    are single voxels) makes no error of its kind: its ratio counts as 1.
    """
    together = _pairs(table.counts)
    in_prediction, in_truth = _pairs(table.prediction_sizes[1]), _pairs(table.truth_sizes[1])
    precision = together / in_prediction if in_prediction else 1.0
    recall = together / in_truth if in_truth else 1.0
    total = in_prediction + in_truth
    return (1.0 - 2.0 * together / total if total else 0.0), precision, recall


def variation_of_information(table: ContingencyTable) -> tuple[float, float]:
    """Split and merge in bits: H(prediction | truth), which false splits cause, and H(truth | prediction), which false merges cause.

    VI = H(S|T) + H(T|S) (Meilă 2007, doi:10.1016/j.jmva.2006.11.013).
    """
    joint = _entropy(table.counts)
    split, merge = joint - _entropy(table.truth_sizes[1]), joint - _entropy(table.prediction_sizes[1])
    return max(split, 0.0), max(merge, 0.0)


def rand_f_score(table: ContingencyTable) -> float:
    """V_rand = Σ p_ij² / (½ Σ s_j² + ½ Σ t_i²) (Arganda-Carreras et al. 2015); 1 is perfect, 0 for an empty table."""
    squares = [float((np.square(sizes.astype(float))).sum()) for sizes in (table.counts, table.prediction_sizes[1], table.truth_sizes[1])]
    return 2.0 * squares[0] / (squares[1] + squares[2]) if table.voxels else 0.0


def information_f_score(table: ContingencyTable) -> float:
    """V_info = 2 I(S; T) / (H(S) + H(T)) (Arganda-Carreras et al. 2015); 1 where both sides are one single segment."""
    truth, prediction = _entropy(table.truth_sizes[1]), _entropy(table.prediction_sizes[1])
    if truth + prediction == 0.0:
        return 1.0
    return max(2.0 * (truth + prediction - _entropy(table.counts)) / (truth + prediction), 0.0)


def _pairs(sizes: NDArray[np.int64]) -> float:
    """Ordered pairs of different voxels within segments, Σ n(n − 1), without integer overflow."""
    return float((sizes.astype(float) * (sizes - 1)).sum())


def _entropy(sizes: NDArray[np.int64]) -> float:
    """Shannon entropy in bits of the sizes as a distribution."""
    if not sizes.size:
        return 0.0
    share = np.sort(sizes[sizes > 0]) / sizes.sum()  # sorted: the sum must not depend on how objects are numbered
    return float(-(share * np.log2(share)).sum())
