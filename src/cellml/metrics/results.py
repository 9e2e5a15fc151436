"""The scores of one comparison as plain containers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cellml.errors import CellmlError
from cellml.metrics.blocks import Place, block_shape, block_tables, whole_table
from cellml.metrics.bootstrap import Bootstrap, object_intervals, table_intervals
from cellml.metrics.confidences import average_precision, mean_average_precision, read_confidences
from cellml.metrics.confusion import ConfusionCounts
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.cremi import cremi_score
from cellml.metrics.objects import MatchedObjects, matched_objects
from cellml.metrics.partition import partition_scores
from cellml.metrics.request import Request
from cellml.metrics.streams import Comparison

LARGEST_CLASS = 255
_PARTITION = (
    "adapted_rand_error",
    "adapted_rand_precision",
    "adapted_rand_recall",
    "voi_split",
    "voi_merge",
    "voi_sum",
    "v_rand",
    "v_info",
)
_FOUND = ("average_precision", "f1", "precision", "recall", "panoptic_quality", "segmentation_quality")
_RATIOS = ("dice", "iou", "precision", "recall")


def overlap_results(comparison: Comparison, request: Request, threshold: float | None = None) -> dict[str, Any]:
    """Scores of labels by overlap and, where asked for, by shape; `kind` says which. Raises CellmlError if no voxel has truth > 0."""
    shape = block_shape(request.block_nm, comparison.spacing)
    tables = block_tables(comparison, shape if request.bootstrap else None, threshold=threshold, border_nm=request.border_nm)
    return results_of_tables(comparison, request, tables, threshold)


def results_of_tables(
    comparison: Comparison, request: Request, tables: dict[Place, ContingencyTable], threshold: float | None = None
) -> dict[str, Any]:
    """As `overlap_results`, from contingency tables that were counted before, wherever that was."""
    table = whole_table(tables)
    if table.labelled().voxels == 0:
        raise CellmlError(
            f"{comparison.specs[1]} has no labelled voxel (truth > 0) among the {table.voxels} voxels counted, so there is nothing to "
            "score; check the array, the region and the mask."
        )
    kind = "semantic" if threshold is not None else _decided(request.kind, comparison, table)
    if kind == "instance":
        scores = _object_scores(comparison, request, tables, table)
        classes = None
    else:
        scores = _class_scores(comparison, request, tables, table)
        classes = [entry["label"] for entry in scores["classes"] if entry["label"] > 0]
    found = {"kind": kind, "threshold": threshold, "voxels": table.voxels, **scores}
    found |= _shape_scores(comparison, request, table, classes, threshold)
    return found


def _decided(kind: str, comparison: Comparison, table: ContingencyTable) -> str:
    if kind != "auto":
        return kind
    said = next((source.kind for source in comparison.sources[1::-1] if source.kind is not None), None)
    if said is not None:
        return said
    return "semantic" if table.labelled().truth_sizes[0].size == 1 else "instance"


def _object_scores(
    comparison: Comparison, request: Request, tables: dict[Place, ContingencyTable], table: ContingencyTable
) -> dict[str, Any]:
    scores = partition_scores(table)
    matched = matched_objects(table)
    found = {**asdict(scores), "cremi_score": cremi_score(scores), "border_nm": request.border_nm, "objects": _found_objects(matched)}
    if request.confidences is not None:
        confidences = read_confidences(request.confidences)
        found["objects"]["with_confidences"] = {
            "mean_average_precision": mean_average_precision(matched, confidences),
            "average_precision_50": average_precision(matched, confidences, 0.5),
            "average_precision_75": average_precision(matched, confidences, 0.75),
        }
    if request.bootstrap is not None:
        found["bootstrap"] = _about(request.bootstrap, comparison, request, len(tables))
        found["intervals"] = table_intervals(list(tables.values()), _partition_values, request.bootstrap)
        found["objects"]["intervals"] = object_intervals(list(tables.values()), matched, request.bootstrap)
    return found


def _partition_values(table: ContingencyTable) -> dict[str, float]:
    if not table.labelled().voxels:
        return dict.fromkeys((*_PARTITION, "cremi_score"), float("nan"))
    scores = partition_scores(table)
    return {**{name: getattr(scores, name) for name in _PARTITION}, "cremi_score": cremi_score(scores)}


def _found_objects(matched: MatchedObjects) -> dict[str, Any]:
    named: dict[str, float] = {}
    for name, threshold in (("50", 0.5), ("75", 0.75)):
        found = matched.at(threshold)
        named |= {f"{score}_{name}": getattr(found, score) for score in _FOUND}
    by_iou = [{**asdict(found), "average_precision": found.average_precision, "f1": found.f1} for found in matched.sweep()]
    return {
        "truth_objects": int(matched.truth.size),
        "prediction_objects": int(matched.prediction.size),
        "mean_average_precision": matched.mean_average_precision,
        **named,
        "by_iou": by_iou,
    }


def _class_scores(
    comparison: Comparison, request: Request, tables: dict[Place, ContingencyTable], table: ContingencyTable
) -> dict[str, Any]:
    largest = int(max(table.truth.max(), table.prediction.max()))
    if largest > LARGEST_CLASS:
        raise CellmlError(
            f"There is a label {largest}, but classes are numbered up to {LARGEST_CLASS}; if {comparison.specs[1]} holds objects, "
            "pass kind=instance."
        )
    names = comparison.sources[1].names or comparison.sources[0].names
    counts = ConfusionCounts.from_table(table)
    classes = [{"label": label, "name": names.get(label, str(label)), **asdict(score)} for label, score in enumerate(counts.scores())]
    present = [entry for entry in classes if entry["truth_voxels"] or entry["prediction_voxels"]]
    found = {"voxels_scored": table.voxels, "mean_dice": counts.mean_dice(), "mean_iou": counts.mean_iou(), "classes": present}
    if request.bootstrap is not None:
        found["bootstrap"] = _about(request.bootstrap, comparison, request, len(tables))
        intervals = table_intervals(list(tables.values()), lambda drawn: _class_values(drawn, largest + 1), request.bootstrap)
        found["intervals"] = {name: intervals[name] for name in ("mean_dice", "mean_iou")}
        for entry in present:
            entry["intervals"] = {ratio: intervals[f"{entry['label']}/{ratio}"] for ratio in _RATIOS}
    return found


def _class_values(table: ContingencyTable, classes: int) -> dict[str, float]:
    counts = ConfusionCounts.from_table(table, classes)
    values = {f"{label}/{ratio}": getattr(score, ratio) for label, score in enumerate(counts.scores()) for ratio in _RATIOS}
    return {"mean_dice": counts.mean_dice(), "mean_iou": counts.mean_iou(), **values}


def _about(bootstrap: Bootstrap, comparison: Comparison, request: Request, blocks: int) -> dict[str, Any]:
    shape = block_shape(request.block_nm, comparison.spacing)
    size = [voxels * step for voxels, step in zip(shape, comparison.spacing, strict=True)]
    return {**asdict(bootstrap), "blocks": blocks, "block_voxels": list(shape), "block_nm": size}


def _shape_scores(
    comparison: Comparison, request: Request, table: ContingencyTable, classes: Sequence[int] | None, threshold: float | None
) -> dict[str, Any]:
    from cellml.metrics.shapes import class_surfaces, clefts, object_surfaces, topology

    found: dict[str, Any] = {}
    tolerance = max(comparison.spacing) if request.tolerance_nm is None else request.tolerance_nm
    if request.surfaces and classes is None:
        sizes = dict(zip(*(side.tolist() for side in table.truth_sizes), strict=True))
        found["surfaces"] = object_surfaces(comparison, matched_objects(table), sizes, tolerance)
    elif request.surfaces:
        names = comparison.sources[1].names or comparison.sources[0].names
        found["surfaces"] = class_surfaces(comparison, names, tolerance, threshold)
    if request.topology:
        found["topology"] = topology(comparison, classes, block_shape(request.block_nm, comparison.spacing), threshold)
    if request.clefts:
        found["clefts"] = clefts(comparison, threshold)
    return found
