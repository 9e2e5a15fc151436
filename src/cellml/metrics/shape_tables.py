"""Scores of surfaces, topology and clefts as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

_DISTANCES = (("ASSD", "assd_nm"), ("Hausdorff", "hausdorff_nm"), ("Hausdorff 95 %", "hausdorff95_nm"))
_NUMBERS = ("components", "tunnels", "cavities")


def shape_tables(result: Mapping[str, Any]) -> list[Table]:
    """The tables of what a result of `cellml score` holds of surfaces, topology and clefts."""
    tables = []
    if "surfaces" in result:
        tables.append(surface_table(result["surfaces"]))
    if "topology" in result:
        tables.append(topology_table(result["topology"]))
    if "clefts" in result:
        tables.append(cleft_table(result["clefts"]))
    return tables


def surface_table(surfaces: Mapping[str, Any]) -> Table:
    """A row for each class, or one for the median of the matched objects."""
    title = "distances between surfaces, nm"
    if "objects" in surfaces:
        title += f"; {surfaces['unmatched_truth']} true and {surfaces['unmatched_prediction']} predicted objects have no partner"
    table = Table("surface of", *(name for name, _ in _DISTANCES), f"surface Dice at {surfaces['tolerance_nm']:g} nm", title=title)
    rows = [(entry["name"], entry) for entry in surfaces.get("classes", [])]
    if "objects" in surfaces:
        rows.append((f"median of {surfaces['matched_objects']} matched objects", surfaces["median"]))
    for name, entry in rows:
        dice = entry["surface_dice"]
        table.add_row(name, *(_length(entry[key]) for _, key in _DISTANCES), "–" if dice is None else f"{dice:.4f}")
    return table


def topology_table(rows: list[Mapping[str, Any]]) -> Table:
    """Truth → prediction of each Betti number, for each class."""
    table = Table("class", *_NUMBERS, "error", "mean error of a block", title="Betti numbers, truth → prediction (26/6-connectivity)")
    for row in rows:
        name = "all labels" if row["label"] is None else str(row["label"])
        pairs = [f"{row['truth'][key]:,} → {row['prediction'][key]:,}" for key in _NUMBERS]
        table.add_row(name, *pairs, f"{row['error']:,}", f"{row['mean_block_error']:.2f} ({row['blocks']} blocks)")
    return table


def cleft_table(clefts: Mapping[str, Any]) -> Table:
    """CREMI's distances between clefts."""
    table = Table("clefts", "value", title="synaptic clefts (CREMI)")
    table.add_row("predicted to true, ADGT", f"{_length(clefts['adgt_nm'])} nm")
    table.add_row("true to predicted, ADF", f"{_length(clefts['adf_nm'])} nm")
    table.add_row("mean of both", f"{_length(clefts['score_nm'])} nm")
    table.add_row("predicted voxels further than 200 nm", f"{clefts['false_positives']:,}")
    table.add_row("true voxels further than 200 nm", f"{clefts['false_negatives']:,}")
    return table


def _length(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
