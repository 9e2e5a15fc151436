"""Intervals of scores by resampling blocks of the volume.

Neighbouring voxels are no independent samples, so whole blocks are drawn, with replacement, as many as there are (block bootstrap:
Künsch 1989, doi:10.1214/aos/1176347265). The intervals say how much a score would vary with another choice of tissue as large as this one
from the same specimen; not with another specimen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.objects import COCO_THRESHOLDS, MatchedObjects
from cellml.metrics.pair_counts import PairCounts

Intervals = dict[str, list[float]]


@dataclass(frozen=True)
class Bootstrap:
    """samples: number of resamples; seed: of their draws; level: share of them that an interval holds, its ends being percentiles."""

    samples: int = 1000
    seed: int = 0
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.samples < 1 or not 0 < self.level < 1:
            raise CellmlError(f"A bootstrap needs at least one sample and a level between 0 and 1, got {self.samples} and {self.level}.")

    def weights(self, blocks: int) -> NDArray[np.int64]:
        """How often each block was drawn in each resample, (samples, blocks). Raises CellmlError for fewer than two blocks."""
        if blocks < 2:
            raise CellmlError(
                f"The region makes {blocks} block with scored voxels, and a bootstrap needs several to draw from, better twenty; give a "
                "smaller block_nm."
            )
        return np.random.default_rng(self.seed).multinomial(blocks, np.full(blocks, 1 / blocks), size=self.samples)

    def interval(self, values: Sequence[float] | NDArray[np.float64]) -> list[float]:
        """Lower and upper percentile of the defined values; NaN where there is none."""
        defined = np.asarray(values, float)
        defined = defined[np.isfinite(defined)]
        if not defined.size:
            return [float("nan"), float("nan")]
        outside = 50 * (1 - self.level)
        return [float(one) for one in np.percentile(defined, (outside, 100 - outside))]


def table_intervals(
    tables: Sequence[ContingencyTable], scores: Callable[[ContingencyTable], Mapping[str, float]], bootstrap: Bootstrap
) -> Intervals:
    """An interval for each score that `scores` computes of a contingency table; tables: one a block."""
    values: dict[str, list[float]] = {}
    for table in _resampled(tables, bootstrap.weights(len(tables))):
        for name, value in scores(table).items():
            values.setdefault(name, []).append(value)
    return {name: bootstrap.interval(found) for name, found in values.items()}


def section_intervals(sections: Sequence[PairCounts], bootstrap: Bootstrap) -> Intervals:
    """Intervals of v_rand (pairs of all sections) and v_info (mean of the sections), drawing whole sections that have scored pixels."""
    scored = [one for one in sections if one.pixels]
    weights = bootstrap.weights(len(scored))
    joint, prediction, truth = (weights @ np.array([float(one.squares[part]) for one in scored]) for part in range(3))
    information = weights @ np.array([one.v_info()[0] for one in scored]) / len(scored)
    return {"v_rand": bootstrap.interval(2 * joint / (prediction + truth)), "v_info": bootstrap.interval(information)}


def object_intervals(tables: Sequence[ContingencyTable], matched: MatchedObjects, bootstrap: Bootstrap) -> Intervals:
    """Intervals of the scores of whole objects, each object drawn with the block that holds most of its voxels.

    A matched pair belongs to the block of its true object. matched: the objects of all blocks together. Keys: mean_average_precision, and
    for the thresholds 0.5 and 0.75 average_precision_50, … f1_50, precision_50, recall_50, panoptic_quality_50.
    """
    weights, blocks = bootstrap.weights(len(tables)), len(tables)
    true_home, predicted_home = _homes([t.truth_sizes for t in tables]), _homes([t.prediction_sizes for t in tables])
    truth = np.array([true_home[int(label)] for label in matched.truth], np.int64)
    prediction = np.array([predicted_home[int(label)] for label in matched.prediction], np.int64)
    pair_home = truth[np.searchsorted(matched.truth, matched.pairs[:, 0])]
    partner_home = prediction[np.searchsorted(matched.prediction, matched.pairs[:, 1])]
    precisions: list[NDArray[np.float64]] = []
    found: dict[str, NDArray[np.float64]] = {}
    for threshold in COCO_THRESHOLDS:
        kept = matched.iou >= threshold - 1e-12
        hits = weights @ np.bincount(pair_home[kept], minlength=blocks)
        misses = weights @ np.bincount(truth, minlength=blocks) - hits
        false = weights @ (np.bincount(prediction, minlength=blocks) - np.bincount(partner_home[kept], minlength=blocks))
        overlap = weights @ np.bincount(pair_home[kept], weights=matched.iou[kept], minlength=blocks)
        precisions.append(_ratios(hits, hits + false + misses))
        if threshold in (0.5, 0.75):
            ratios = _object_ratios(hits, false, misses, overlap)
            found |= {f"{name}_{round(100 * threshold)}": values for name, values in ratios.items()}
    found = {"mean_average_precision": np.mean(precisions, axis=0), **found}
    return {name: bootstrap.interval(values) for name, values in found.items()}


def _object_ratios(hits: NDArray[Any], false: NDArray[Any], misses: NDArray[Any], overlap: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """The properties of `FoundObjects`, for many resamples at once."""
    return {
        "average_precision": _ratios(hits, hits + false + misses),
        "f1": _ratios(2 * hits, 2 * hits + false + misses),
        "precision": _ratios(hits, hits + false),
        "recall": _ratios(hits, hits + misses),
        "panoptic_quality": _ratios(2 * overlap, 2 * hits + false + misses),
    }


def _resampled(tables: Sequence[ContingencyTable], weights: NDArray[np.int64]) -> Iterator[ContingencyTable]:
    """The sum of the drawn tables, for each row of weights: the pairs of all blocks are numbered once, then only counts change."""
    from scipy.sparse import csr_matrix

    whole = ContingencyTable()
    for table in tables:
        whole += table
    place = {pair: index for index, pair in enumerate(zip(whole.truth.tolist(), whole.prediction.tolist(), strict=True))}
    columns = [place[pair] for table in tables for pair in zip(table.truth.tolist(), table.prediction.tolist(), strict=True)]
    rows = np.repeat(np.arange(len(tables)), [table.counts.size for table in tables])
    matrix = csr_matrix((np.concatenate([table.counts for table in tables]), (rows, columns)), shape=(len(tables), len(place)))
    for weight in weights:
        counts = matrix.T @ weight
        drawn = counts > 0
        yield ContingencyTable(whole.truth[drawn], whole.prediction[drawn], counts[drawn])


def _homes(sizes: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> dict[int, int]:
    """Label → number of the block with most of its voxels, the first on a tie."""
    labels = np.concatenate([one[0] for one in sizes])
    voxels = np.concatenate([one[1] for one in sizes])
    blocks = np.repeat(np.arange(len(sizes)), [one[0].size for one in sizes])
    order = np.lexsort((blocks, -voxels, labels))
    found, first = np.unique(labels[order], return_index=True)
    return dict(zip(found.tolist(), blocks[order][first].tolist(), strict=True))


def _ratios(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(denominator > 0, numerator / denominator, np.nan), float)
