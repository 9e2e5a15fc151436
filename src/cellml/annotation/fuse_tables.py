"""Agreement of annotators as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table


def annotator_table(result: Mapping[str, Any]) -> Table:
    """One row for each annotator and class: sensitivity, specificity, Dice and IoU against the consensus of the others."""
    table = Table("annotator", "class", "sensitivity", "specificity", "Dice to others", "IoU to others", title=f"by {result['method']}")
    _numeric(table, 2)
    short = _short([entry["input"] for entry in result["annotators"]])
    for entry in result["annotators"]:
        for label, score in entry["classes"].items():
            other = entry["against_others"]["classes"][label]
            values = score["sensitivity"], score["specificity"], other["dice"], other["iou"]
            table.add_row(short[entry["input"]], result["names"][label], *map(ratio, values))
    return table


def pair_table(result: Mapping[str, Any]) -> Table:
    """One row for each pair of annotators: mean Dice and IoU over the classes above background."""
    table = Table("annotator", "annotator", "Dice", "IoU", title="pairs, mean of classes above 0")
    _numeric(table, 2)
    short = _short([entry["input"] for entry in result["annotators"]])
    for pair in result["pairs"]:
        table.add_row(*(short[name] for name in pair["inputs"]), ratio(pair["dice"]), ratio(pair["iou"]))
    return table


def _short(inputs: Sequence[str]) -> dict[str, str]:
    """File names without their folders, where that is clear."""
    names = [Path(spec).name for spec in inputs]
    return dict(zip(inputs, names if len(set(names)) == len(names) else inputs, strict=True))


def _numeric(table: Table, first: int) -> None:
    for column in table.columns[first:]:
        column.justify = "right"


def ratio(value: float | None) -> str:
    """Four digits, or a dash where there is no number."""
    return "–" if value is None else f"{value:.4f}"
