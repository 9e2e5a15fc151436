"""The rows of the study to its numbers, and a figure of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import spine_classes

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.results import write_study_results
from cellml.report.rows import read_rows

Rows = list[dict[str, str]]
Value = tuple[float | None, str]
PRIMARY = "two steps, best"


def mean(rows: Rows, name: str) -> float | None:
    """The mean of a column over the rows that have it; truth values count as 1 and 0."""
    values = [float({"True": "1", "False": "0"}.get(row[name], row[name])) for row in rows if row[name] != ""]
    return float(np.mean(values)) if values else None


def least(rows: Rows, name: str) -> float | None:
    """The smallest value of a column."""
    return min((float(row[name]) for row in rows if row[name] != ""), default=None)


def of_head(rows: Rows, prefix: str = "") -> dict[str, Value]:
    """Numbers of one head over all kinds of procedural cells."""
    there = [row for row in rows if row["missing"] == "False"]
    return {
        f"{prefix}certified_closed_share": (mean(there, "closed"), "1"),
        f"{prefix}self_intersections": (sum(float(row["crossing"]) for row in there) if there else None, "count"),
        f"{prefix}genus_correct": (mean(rows, "genus_correct"), "1"),
        f"{prefix}min_dihedral_raw": (least(there, "dihedral_raw"), "deg"),
        f"{prefix}min_dihedral_final": (least(there, "dihedral_final"), "deg"),
        f"{prefix}assd": (mean(there, "assd"), "voxel"),
        f"{prefix}hd95": (mean(there, "hd95"), "voxel"),
        f"{prefix}missing_share": (mean(rows, "missing"), "1"),
    }


def of_ways(real: Rows, times: Rows) -> dict[str, Value]:
    """The head's time and simulated error over those of the two-step way, and each way's own numbers."""
    seconds = {row["way"]: float(row["network_s"]) + float(row["mesh_s"]) for row in times}
    errors, values = {}, dict[str, Value]()
    for way in dict.fromkeys(row["way"] for row in real):
        rows, key = [row for row in real if row["way"] == way], way.replace(",", "").replace(" ", "_")
        found = [float(row[name]) for row in rows for name in row if name.endswith("_error") and row[name] not in ("", "nan")]
        errors[way] = float(np.median(found)) if found else None
        values |= {
            f"real_{key}_sim_error": (errors[way], "1"),
            f"real_{key}_assd": (mean(rows, "assd"), "voxel"),
            f"real_{key}_hd95": (mean(rows, "hd95"), "voxel"),
            f"real_{key}_matched": (float(np.mean([row["assd"] != "" for row in rows])), "1"),
            f"real_{key}_time": (seconds.get(way), "s"),
        }
    both = "head" in seconds and PRIMARY in seconds
    values["time_ratio_vs_two_step"] = (seconds["head"] / seconds[PRIMARY] if both else None, "1")
    head, other = errors.get("head"), errors.get(PRIMARY)
    values["sim_error_ratio_vs_two_step"] = (head / other if head is not None and other else None, "1")
    return values


def summarise(folder: Path) -> dict[str, Value]:
    """Write results.json and figure.png, and print a table for each head and kind."""
    rows, real, times = (read_rows(folder / f"{name}.csv") for name in ("procedural", "real", "times"))
    bad = read_rows(folder / "bad_input.csv")
    heads = {head: [row for row in rows if row["head"] == head] for head in dict.fromkeys(row["head"] for row in rows)}
    values = of_head(heads.get("certified", []))
    for head in heads:
        if head != "certified":
            values |= of_head(heads[head], f"{head}_")
        for kind in dict.fromkeys(row["kind"] for row in heads[head]):
            found = of_head([row for row in heads[head] if row["kind"] == kind])
            print(f"{head:11} {kind:14}", {name: round(value, 3) for name, (value, _) in found.items() if value is not None})
    values |= of_ways(real, times) | spine_classes.values(folder)
    values["bad_input_unsound"] = (float(sum(row["outcome"] == "unsound" for row in bad)) if bad else None, "count")
    values["bad_input_cases"] = (float(len(bad)) if bad else None, "count")
    write_study_results(folder, values, seed=0, cells=len(rows), objects=len({row["object"] for row in real}))
    if rows:
        figure(heads, folder / "figure.png")
    for key, (value, unit) in values.items():
        print(f"{key:42} {'–' if value is None else f'{value:.4g}':>10} {unit}")
    return values


def figure(heads: dict[str, Rows], path: Path) -> None:
    """ASSD of each cell by head and kind, and how many genera are right."""
    colours = {"oracle": "#999999", "certified": "#0072B2", "pixel2mesh": "#E69F00"}  # Okabe & Ito
    kinds = list(dict.fromkeys(row["kind"] for rows in heads.values() for row in rows))
    with figure_style():
        drawing = new_figure(10, 3.6)
        near, right = drawing.subplots(1, 2)
        for number, (head, rows) in enumerate(heads.items()):
            for place, kind in enumerate(kinds):
                found = [row for row in rows if row["kind"] == kind]
                values = [float(row["assd"]) for row in found if row["assd"]]
                at = place + 0.22 * (number - 1)
                near.scatter([at] * len(values), values, s=14, alpha=0.6, color=colours[head], label=head if place == 0 else None)
                if found:
                    right.bar(at, 100 * (mean(found, "genus_correct") or 0.0), 0.2, color=colours[head])
        near.axhline(0.5, color="k", lw=0.8, ls="--")
        near.set(title="Distance to the true surfaces (line: target)", ylabel="ASSD (voxels of 12 nm)", yscale="log")
        right.axhline(95, color="k", lw=0.8, ls="--")
        right.set(title="Surfaces of the true genus (line: target)", ylabel="share (%)")
        for axis in (near, right):
            axis.set_xticks(range(len(kinds)), kinds)
        near.legend()
        drawing.savefig(path, dpi=110)
