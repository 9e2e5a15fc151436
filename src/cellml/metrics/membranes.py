"""V_rand and V_info of a membrane map, as the ISBI 2012 challenge scores it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.pair_counts import PairCounts
from cellml.metrics.thinning import thinned_segments

CHALLENGE_THRESHOLDS = tuple(round(0.1 * step, 1) for step in range(1, 11))


@dataclass(frozen=True)
class MembraneScores:
    """Scores of a stack of sections at one threshold of the membrane probability; all 0 to 1, 1 is perfect.

    v_rand, v_rand_split, v_rand_merge: over the pairs of pixels of all sections together; v_info, v_info_split, v_info_merge: means over
    the sections, as in the challenge's script; v_rand_section_mean, v_info_pooled: the other way round; sections: number of sections with
    a scored pixel; pixels: scored ones, those that are inside in the truth; line_pixels: those of them on the prediction's thinned borders.
    """

    threshold: float
    v_rand: float
    v_rand_split: float
    v_rand_merge: float
    v_info: float
    v_info_split: float
    v_info_merge: float
    v_rand_section_mean: float
    v_info_pooled: float
    sections: int
    pixels: int
    line_pixels: int

    @classmethod
    def from_sections(cls, sections: Sequence[PairCounts], threshold: float) -> MembraneScores:
        """From the counts of each section. Raises CellmlError if no pixel is scored."""
        scored = [one for one in sections if one.pixels]
        if not scored:
            raise CellmlError(
                f"None of the {len(sections)} sections has a pixel inside a cell: the truth is membrane, or masked, everywhere. "
                "Check the truth (1 on membranes, 0 inside), the region and the mask."
            )
        whole = reduce(add, scored)
        rand = whole.v_rand()
        information = np.mean([one.v_info() for one in scored], axis=0)
        return cls(
            threshold=float(threshold),
            v_rand=rand[0],
            v_rand_split=rand[1],
            v_rand_merge=rand[2],
            v_info=float(information[0]),
            v_info_split=float(information[1]),
            v_info_merge=float(information[2]),
            v_rand_section_mean=float(np.mean([one.v_rand()[0] for one in scored])),
            v_info_pooled=whole.v_info()[0],
            sections=len(scored),
            pixels=whole.pixels,
            line_pixels=whole.line_pixels,
        )


def membrane_scores(
    probability: NDArray[Any], truth: NDArray[Any], *, threshold: float, mask: NDArray[Any] | None = None
) -> MembraneScores:
    """V_rand and V_info after border thinning, foreground-restricted (Arganda-Carreras et al. 2015, doi:10.3389/fnana.2015.00142).

    probability: (Z, Y, X), probability of membrane; truth: (Z, Y, X), 1 on membranes, 0 inside; mask: (Z, Y, X), pixels that are 0 are not
    scored. A voxel is membrane where probability ≥ threshold. Each section stands for itself: true segments are the 4-connected components
    inside its membranes, predicted ones those of `thinned_segments`; only pixels inside in the truth count, and predicted lines over them
    count as segments of one pixel. The challenge reported the best of the thresholds 0, 0.1, … 1 on its test data, separately for each
    score; here the threshold is the caller's, to be chosen on validation data (`sweep_membrane_thresholds`).

    Raises CellmlError for arrays of different shape, a truth with other values than 0 and 1, and where no pixel is scored.
    """
    counts = section_counts(probability, truth, thresholds=[threshold], mask=mask)[0]
    return MembraneScores.from_sections(counts, threshold)


def sweep_membrane_thresholds(
    probability: NDArray[Any],
    truth: NDArray[Any],
    *,
    thresholds: Sequence[float] = CHALLENGE_THRESHOLDS,
    mask: NDArray[Any] | None = None,
) -> list[MembraneScores]:
    """`membrane_scores` at each threshold, for the choice of one on validation data; arguments and errors as there."""
    counts = section_counts(probability, truth, thresholds=thresholds, mask=mask)
    return [MembraneScores.from_sections(sections, threshold) for sections, threshold in zip(counts, thresholds, strict=True)]


def section_counts(
    probability: NDArray[Any], truth: NDArray[Any], *, thresholds: Sequence[float], mask: NDArray[Any] | None = None
) -> list[list[PairCounts]]:
    """For each threshold, the counts of each section; the lists of consecutive slabs can be joined. Arguments as `membrane_scores`."""
    from scipy.ndimage import label

    probability, truth = np.asarray(probability), np.asarray(truth)
    for name, array in (("Truth", truth), ("Mask", mask)):
        if array is not None and np.shape(array) != probability.shape:
            raise CellmlError(f"{name} has shape {np.shape(array)}, the membrane map {probability.shape}; they must cover the same voxels.")
    if not np.isin(np.unique(truth), (0, 1)).all():
        raise CellmlError(f"The true membranes must be 0 (inside) and 1 (membrane); the largest value is {truth.max()}.")
    counts: list[list[PairCounts]] = [[] for _ in thresholds]
    for z in range(len(probability)):
        true_segments = label(truth[z] == 0)[0]
        kept = None if mask is None else np.asarray(mask)[z]
        for found, threshold in zip(counts, thresholds, strict=True):
            segments = thinned_segments(probability[z] < threshold)
            found.append(PairCounts.from_table(ContingencyTable.from_labels(true_segments, segments, kept)))
    return counts
