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
    ("V_rand", "v_rand", "{:.4f}"),
    ("V_info", "v_info", "{:.4f}"),
    ("voxels scored", "voxels_scored", "{:,}"),
    ("share of them predicted 0", "prediction_zero_share", "{:.3%}"),
    ("objects in the truth", "truth_objects", "{:,}"),
    ("objects in the prediction", "prediction_objects", "{:,}"),
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


def score_tables(result: Mapping[str, Any]) -> list[Table]:
    """All tables of a result of `cellml score`, in the order of reading."""
    main = {"instance": partition_table, "semantic": class_table, "membrane": membrane_table}[result["kind"]](result)
    return [*([sweep_table(result)] if "sweep" in result else []), main]


def sweep_table(result: Mapping[str, Any]) -> Table:
    """One row for each threshold."""
    keys = [key for key in _SWEPT if key in result["sweep"][0]]
    table = Table(*keys, title=f"chosen by {result['chosen_by']}")
    for entry in result["sweep"]:
        chosen = entry["threshold"] == result["threshold"]
        table.add_row(*(f"{entry[key]:g}" if key == "threshold" else _ratio(entry[key]) for key in keys), style="bold" if chosen else "")
    return table


def membrane_table(result: Mapping[str, Any]) -> Table:
    """One row for each score of a membrane map."""
    table = Table("score", "value", title=f"{_title(result)}, threshold {result['threshold']:g}")
    table.columns[1].justify = "right"
    for label, key, form in _MEMBRANE_ROWS:
        table.add_row(label, "–" if result[key] is None else form.format(result[key]))
    return table


def partition_table(result: Mapping[str, Any]) -> Table:
    """One row for each score of an instance segmentation."""
    table = Table("score", "value", title=_title(result))
    table.columns[1].justify = "right"
    for label, key, form in _ROWS:
        table.add_row(label, form.format(result[key]))
    return table


def class_table(result: Mapping[str, Any]) -> Table:
    """One row for each class that occurs in truth or prediction, its voxels in both, and the mean of the classes above 0."""
    table = Table("class", "Dice", "IoU", "precision", "recall", "in truth", "predicted", title=_title(result))
    table.columns[0].overflow = "fold"
    for column in table.columns[1:]:
        column.justify = "right"
    for entry in result["classes"]:
        name = "background" if entry["label"] == 0 else entry["name"]
        ratios = [_ratio(entry[key]) for key in ("dice", "iou", "precision", "recall")]
        table.add_row(name, *ratios, f"{entry['truth_voxels']:,}", f"{entry['prediction_voxels']:,}")
    table.add_row("mean above 0", _ratio(result["mean_dice"]), _ratio(result["mean_iou"]))
    return table


def _title(result: Mapping[str, Any]) -> str:
    region = " × ".join(f"{start}:{stop}" for start, stop in result["region"])
    inside = "" if result["mask"] is None else f", inside {result['mask']}"
    return f"{result['kind']} scores of {region} (z × y × x){inside}"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
