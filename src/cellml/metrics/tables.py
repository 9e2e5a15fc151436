"""Scores as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

_ROWS = (
    ("adapted Rand error", "adapted_rand_error", "{:.4f}"),
    ("  precision (few false merges)", "adapted_rand_precision", "{:.4f}"),
    ("  recall (few false splits)", "adapted_rand_recall", "{:.4f}"),
    ("variation of information", "voi_sum", "{:.4f} bit"),
    ("  split", "voi_split", "{:.4f} bit"),
    ("  merge", "voi_merge", "{:.4f} bit"),
    ("CREMI score, √(VI × Rand error)", "cremi_score", "{:.4f}"),
    ("V_rand of the volume", "v_rand", "{:.4f}"),
    ("V_info of the volume", "v_info", "{:.4f}"),
    ("voxels scored", "voxels_scored", "{:,}"),
    ("share of them predicted 0", "prediction_zero_share", "{:.3%}"),
    ("objects in the truth", "truth_objects", "{:,}"),
    ("objects in the prediction", "prediction_objects", "{:,}"),
)
_OBJECT_ROWS = (
    ("average precision, mean of IoU 0.5 … 0.95", "mean_average_precision"),
    ("average precision, IoU 0.5", "average_precision_50"),
    ("average precision, IoU 0.75", "average_precision_75"),
    ("F1, IoU 0.5", "f1_50"),
    ("  precision", "precision_50"),
    ("  recall", "recall_50"),
    ("panoptic quality, IoU 0.5", "panoptic_quality_50"),
)
_MEMBRANE_ROWS = (
    ("V_rand", "v_rand", "{:.4f}"),
    ("  split score", "v_rand_split", "{:.4f}"),
    ("  merge score", "v_rand_merge", "{:.4f}"),
    ("V_info", "v_info", "{:.4f}"),
    ("  split score", "v_info_split", "{:.4f}"),
    ("  merge score", "v_info_merge", "{:.4f}"),
    ("Dice of the membrane", "dice", "{:.4f}"),
    ("IoU of the membrane", "iou", "{:.4f}"),
    ("sections", "sections", "{:,}"),
    ("pixels scored", "pixels", "{:,}"),
)
_SWEPT = ("threshold", "v_rand", "v_info", "mean_dice", "mean_iou", "dice", "iou")
_RATIOS = ("dice", "iou", "precision", "recall")


def score_tables(result: Mapping[str, Any]) -> list[Table]:
    """All tables of an overlap or membrane result of `cellml score`, in the order of reading."""
    tables = [sweep_table(result)] if "sweep" in result else []
    if result["kind"] == "semantic":
        return [*tables, class_table(result), *([class_interval_table(result)] if "intervals" in result else [])]
    if result["kind"] == "membrane":
        return [*tables, score_table(result, _MEMBRANE_ROWS, f"{_title(result)}, threshold {result['threshold']:g}")]
    return [*tables, score_table(result, _ROWS, _title(result)), object_table(result["objects"])]


def score_table(result: Mapping[str, Any], rows: tuple[tuple[str, str, str], ...], title: str) -> Table:
    """One row for each score: its name, its value, and where there are some its interval; rows: (name, key, format)."""
    intervals = result.get("intervals", {})
    table = Table("score", "value", *(["95 % interval"] if intervals else []), title=title)
    table.columns[1].justify = "right"
    for name, key, form in rows:
        value = "–" if result[key] is None else form.format(result[key])
        table.add_row(name, value, *([_interval(intervals.get(key))] if intervals else []))
    if intervals:
        table.caption = _drawn(result["bootstrap"])
    return table


def object_table(objects: Mapping[str, Any]) -> Table:
    """One row for each score of the objects found, those with confidences last."""
    title = f"objects found: {objects['truth_objects']:,} in the truth, {objects['prediction_objects']:,} predicted"
    intervals = objects.get("intervals")
    table = Table("score", "value", *(["95 % interval"] if intervals else []), title=title)
    table.columns[1].justify = "right"
    for name, key in _OBJECT_ROWS:
        table.add_row(name, _ratio(objects[key]), *([_interval(intervals[key])] if intervals else []))
    for key, value in objects.get("with_confidences", {}).items():
        table.add_row(f"{key.replace('_', ' ')}, in order of confidence", _ratio(value))
    return table


def class_table(result: Mapping[str, Any]) -> Table:
    """One row for each class that occurs in truth or prediction, its voxels in both, and the mean of the classes above 0."""
    table = Table("class", "Dice", "IoU", "precision", "recall", "in truth", "predicted", title=_title(result))
    table.columns[0].overflow = "fold"
    for column in table.columns[1:]:
        column.justify = "right"
    for entry in result["classes"]:
        name = "background" if entry["label"] == 0 else entry["name"]
        ratios = [_ratio(entry[key]) for key in _RATIOS]
        table.add_row(name, *ratios, f"{entry['truth_voxels']:,}", f"{entry['prediction_voxels']:,}")
    table.add_row("mean above 0", _ratio(result["mean_dice"]), _ratio(result["mean_iou"]))
    return table


def class_interval_table(result: Mapping[str, Any]) -> Table:
    """The intervals of the scores of `class_table`."""
    table = Table("95 % interval", "Dice", "IoU", "precision", "recall", caption=_drawn(result["bootstrap"]))
    for entry in result["classes"]:
        name = "background" if entry["label"] == 0 else entry["name"]
        table.add_row(name, *(_interval(entry["intervals"][key]) for key in _RATIOS))
    table.add_row("mean above 0", *(_interval(result["intervals"][key]) for key in ("mean_dice", "mean_iou")))
    return table


def sweep_table(result: Mapping[str, Any]) -> Table:
    """One row for each threshold, the chosen one in bold."""
    keys = [key for key in _SWEPT if key in result["sweep"][0]]
    table = Table(*keys, title=f"chosen by {result['chosen_by']}")
    for entry in result["sweep"]:
        chosen = entry["threshold"] == result["threshold"]
        table.add_row(*(f"{entry[key]:g}" if key == "threshold" else _ratio(entry[key]) for key in keys), style="bold" if chosen else "")
    return table


def _title(result: Mapping[str, Any]) -> str:
    region = " × ".join(f"{start}:{stop}" for start, stop in result["region"])
    inside = "" if result["mask"] is None else f", inside {result['mask']}"
    return f"{result['kind']} scores of {region} (z × y × x){inside}"


def _drawn(bootstrap: Mapping[str, Any]) -> str:
    if "block_nm" not in bootstrap:
        return f"{bootstrap['samples']:,} resamples of {bootstrap['blocks']} sections"
    size = " × ".join(f"{length:g}" for length in bootstrap["block_nm"])
    return f"{bootstrap['samples']:,} resamples of {bootstrap['blocks']} blocks of {size} nm"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _interval(ends: list[float | None] | None) -> str:
    return "" if ends is None else f"{_ratio(ends[0])}–{_ratio(ends[1])}"
