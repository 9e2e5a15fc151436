"""Scores of shape: surfaces, topology and clefts of what is compared, read slab by slab."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.metrics.betti import BettiNumbers, betti_numbers, in_memory
from cellml.metrics.clefts import cleft_scores
from cellml.metrics.objects import MatchedObjects
from cellml.metrics.streams import Comparison
from cellml.metrics.surface_distances import surface_scores
from cellml.metrics.surface_voxels import surface_voxels

GROUP_VOXELS = 50_000_000
_DISTANCES = ("assd_nm", "hausdorff_nm", "hausdorff95_nm", "surface_dice")
_NUMBERS = ("components", "tunnels", "cavities")


def kept_pairs(comparison: Comparison, threshold: float | None, depth: int | None = None) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Prediction and truth of each slab, 0 outside the mask; a probability as the class 1 where it is at least `threshold`."""
    for slab in comparison.slabs(depth, fractional=threshold is not None):
        prediction, truth = slab.kept()
        yield (prediction if threshold is None else (prediction >= threshold).astype(np.uint8)), truth


def class_surfaces(comparison: Comparison, names: Mapping[int, str], tolerance_nm: float, threshold: float | None) -> dict[str, Any]:
    """`SurfaceScores` of each class > 0 of truth or prediction."""
    predicted = surface_voxels(prediction for prediction, _ in kept_pairs(comparison, threshold))
    true = surface_voxels(truth for _, truth in kept_pairs(comparison, threshold))
    labels = np.union1d(true.present, predicted.present).tolist()
    found = [
        {
            "label": label,
            "name": names.get(label, str(label)),
            **asdict(surface_scores(true.of(label), predicted.of(label), comparison.spacing, tolerance_nm)),
        }
        for label in labels
    ]
    return {"tolerance_nm": tolerance_nm, "classes": found}


def object_surfaces(comparison: Comparison, matched: MatchedObjects, sizes: Mapping[int, int], tolerance_nm: float) -> dict[str, Any]:
    """`SurfaceScores` of each pair of objects that match (intersection over union of at least one half), and the median over the pairs.

    What has no partner has no distance: it is counted, not averaged. sizes: voxels of each true object; the pairs are compared in groups of
    so many voxels that their surfaces stay small in memory, reading the files once for each group.
    """
    found = []
    for group in _groups([sizes[label] for label in matched.pairs[:, 0].tolist()]):
        pairs = matched.pairs[group]
        true = surface_voxels((truth for _, truth in kept_pairs(comparison, None)), only=pairs[:, 0])
        predicted = surface_voxels((prediction for prediction, _ in kept_pairs(comparison, None)), only=pairs[:, 1])
        for (label, partner), iou in zip(pairs.tolist(), matched.iou[group].tolist(), strict=True):
            scores = surface_scores(true.of(label), predicted.of(partner), comparison.spacing, tolerance_nm)
            found.append({"truth": label, "prediction": partner, "iou": iou, **asdict(scores)})
    defined = {key: [one[key] for one in found if np.isfinite(one[key])] for key in _DISTANCES}
    return {
        "tolerance_nm": tolerance_nm,
        "matched_objects": len(found),
        "unmatched_truth": matched.truth.size - len(found),
        "unmatched_prediction": matched.prediction.size - len(found),
        "median": {key: float(np.median(values)) if values else float("nan") for key, values in defined.items()},
        "objects": found,
    }


def _groups(sizes: Sequence[int]) -> Iterator[slice]:
    """Consecutive items whose sizes sum up to GROUP_VOXELS at most, or single larger ones."""
    start, total = 0, 0
    for index, size in enumerate(sizes):
        if index > start and total + size > GROUP_VOXELS:
            yield slice(start, index)
            start, total = index, 0
        total += size
    if start < len(sizes):
        yield slice(start, len(sizes))


def topology(
    comparison: Comparison, classes: Sequence[int] | None, block: tuple[int, int, int], threshold: float | None
) -> list[dict[str, Any]]:
    """Betti numbers of prediction and truth, their error, and the mean error over blocks of `block` voxels, for each class.

    classes: labels; None for all labels > 0 together. A block's border cuts what lies in it, in prediction and truth alike.
    """
    labels = [None] if classes is None else list(classes)
    by_block: dict[int | None, list[tuple[BettiNumbers, BettiNumbers]]] = {label: [] for label in labels}
    for pair in _blocks(comparison, block, threshold):
        for label in labels:
            masks = [_is(side, label) for side in pair]
            by_block[label].append((betti_numbers(in_memory(masks[0])), betti_numbers(in_memory(masks[1]))))
    found = []
    for label in labels:
        prediction, truth = _whole(comparison, 0, label, threshold), _whole(comparison, 1, label, threshold)
        errors = [one.error(other) for one, other in by_block[label]]
        found.append(
            {
                "label": label,
                "truth": {name: getattr(truth, name) for name in _NUMBERS},
                "prediction": {name: getattr(prediction, name) for name in _NUMBERS},
                "error": prediction.error(truth),
                "mean_block_error": float(np.mean(errors)),
                "blocks": len(errors),
            }
        )
    return found


def clefts(comparison: Comparison, threshold: float | None) -> dict[str, Any]:
    """`CleftScores` of all labels > 0."""
    return asdict(cleft_scores(lambda: kept_pairs(comparison, threshold), comparison.spacing))


def _whole(comparison: Comparison, side: int, label: int | None, threshold: float | None) -> BettiNumbers:
    return betti_numbers(lambda: _masks(comparison, side, label, threshold))


def _masks(comparison: Comparison, side: int, label: int | None, threshold: float | None) -> Iterable[NDArray[np.bool_]]:
    return (_is(pair[side], label) for pair in kept_pairs(comparison, threshold))


def _is(labels: NDArray[Any], label: int | None) -> NDArray[np.bool_]:
    return np.asarray(labels > 0 if label is None else labels == label)


def _blocks(comparison: Comparison, block: tuple[int, int, int], threshold: float | None) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Prediction and truth of each block, a row of blocks in memory at a time."""
    for prediction, truth in kept_pairs(comparison, threshold, block[0]):
        starts = (range(0, size, step) for size, step in zip(truth.shape[1:], block[1:], strict=True))
        for y, x in product(*starts):
            part = (slice(None), slice(y, y + block[1]), slice(x, x + block[2]))
            yield prediction[part], truth[part]
