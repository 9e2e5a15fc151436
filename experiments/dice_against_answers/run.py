"""Does the better overlap give the better answer? Nothing is solved here: rows of other studies are read again.

`python experiments/dice_against_answers/run.py`
"""

from __future__ import annotations

import csv
from math import isfinite, nan
from pathlib import Path
from typing import Any

import numpy as np

from cellml.evaluation.leaderboard import Entry, kendall_tau, leaderboard
from cellml.evaluation.leaderboard_command import as_plain, print_board
from cellml.report.results import write_study_results
from cellml.report.rows import read_rows

HERE = Path(__file__).parent
EXPERIMENTS = HERE.parent
KEY = ("error", "strength", "repair", "draw")
OBSERVABLES = ("relaxation_time", "first_passage_time", "conductance", "volume", "membrane_area")


def condition_entries(observable: str) -> list[Entry]:
    """Conditions of `image_errors`: adapted Rand error of the block, median relative error of its neurites (unmatched and failed: 1)."""
    scores = {tuple(r[k] for k in KEY): float(r["adapted_rand_error"]) for r in read_rows(EXPERIMENTS / "image_errors" / "scores.csv")}
    errors: dict[tuple[str, ...], list[float]] = {}
    for row in read_rows(EXPERIMENTS / "image_errors" / "answers.csv"):
        if row["observable"] == observable and row["status"] not in ("undefined", "timed out"):
            errors.setdefault(tuple(row[k] for k in KEY), []).append(_error(row["status"], row["rel_error"]))
    return [Entry(_words(key), scores[key], float(np.median(found)), len(found)) for key, found in errors.items() if key in scores]


def object_rows() -> list[dict[str, Any]]:
    """One row an object and observable: study, way, object, observable, status, Dice, relative error."""
    rows = []
    for r in read_rows(EXPERIMENTS / "image_errors" / "answers.csv"):
        if r["status"] not in ("undefined", "timed out"):
            way = _words(tuple(r[k] for k in KEY))
            error = _error(r["status"], r["rel_error"])
            rows.append(_row("image_errors", way, r["neurite"], r["observable"], r["status"], r["iou"], error))
    for r in read_rows(EXPERIMENTS / "mesh_head" / "real.csv"):
        for observable in OBSERVABLES:
            text = r.get(f"{observable}_error") or "nan"
            status = "failed" if r["failure"] else "matched"
            if isfinite(float(text)) or r["failure"]:
                rows.append(_row("mesh_head", r["way"], r["object"], observable, status, r["iou"], _error(status, text)))
    for r in read_rows(EXPERIMENTS / "demo" / "objects.csv"):
        if r["status"] not in ("undefined", "timed out") and r["observable"] in OBSERVABLES:
            error = _error(r["status"], r["rel_error"])
            rows.append(_row("demo", "demo", r["truth_id"], r["observable"], r["status"], r["iou"], error))
    return rows


def _row(study: str, way: str, name: str, observable: str, status: str, iou: str, error: float) -> dict[str, Any]:
    overlap = float(iou or 0.0)
    dice = 2 * overlap / (1 + overlap)
    return {
        "study": study,
        "way": way,
        "object": name,
        "observable": observable,
        "status": status,
        "dice": round(dice, 4),
        "rel_error": error,
    }


def _error(status: str, text: str) -> float:
    return float(text) if status == "matched" and text not in ("", "nan") else 1.0


def _words(key: tuple[str, ...]) -> str:
    error, strength, repair, _ = key
    if error == "none":
        return "as measured" if repair == "none" else repair
    return f"{error} {strength}" + ("" if repair == "none" else f", {repair}")


def tau_of(rows: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Kendall's τ between 1 − Dice and the error, with the ends of a 90 % bootstrap interval over objects."""
    loss, error = np.array([1 - r["dice"] for r in rows]), np.array([r["rel_error"] for r in rows])
    if len(rows) < 5:
        return nan, nan, nan
    rng = np.random.default_rng(0)
    drawn = [kendall_tau(loss[k], error[k]) for k in (rng.integers(len(rows), size=len(rows)) for _ in range(500))]
    low, high = np.nanpercentile(drawn, (5, 95))
    return kendall_tau(loss, error), float(low), float(high)


def main() -> None:
    """Tables, results.json and the figure."""
    rows, values = object_rows(), {}
    with (HERE / "objects.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    boards = {name: leaderboard(condition_entries(name), "adapted_rand_error") for name in OBSERVABLES[:3]}
    for name, board in boards.items():
        print_board(board, name)
        values[f"tau_conditions_{name}"] = (round(board.tau, 3), "1")
        values[f"pairs_reversed_{name}"] = (round(len(board.disagreements) / board.pairs, 3) if board.pairs else None, "1")
    for name in OBSERVABLES:
        for kind, chosen in (("all", rows), ("matched", [r for r in rows if r["status"] == "matched"])):
            found = [r for r in chosen if r["observable"] == name]
            tau, low, high = tau_of(found)
            print(f"{name:20} {kind:8} {len(found):4} objects, τ {tau:.2f} ({low:.2f} to {high:.2f})")
            values[f"tau_{kind}_{name}"] = (round(tau, 3) if isfinite(tau) else None, "1")
    good = [r for r in rows if r["status"] == "matched" and r["dice"] >= 0.9 and r["observable"] in OBSERVABLES[:3]]
    errors = [r["rel_error"] for r in good]
    values["objects_dice_above_0.9"] = (len(good), "count")
    values["error_p90_dice_above_0.9"] = (round(float(np.percentile(errors, 90)), 3), "1")
    values["error_above_0.2_share_dice_above_0.9"] = (round(float(np.mean(np.array(errors) > 0.2)), 3), "1")
    write_study_results(HERE, values, seed=0, boards={name: as_plain(board) for name, board in boards.items()})
    _figure(rows, boards)


def _figure(rows: list[dict[str, Any]], boards: dict[str, Any]) -> None:
    from cellml.report.figure_style import figure_style, new_figure
    from cellml.report.palette import BLUE, GREEN, MUTED, ORANGE

    colours = dict(zip(OBSERVABLES[:3], ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^")), strict=True))
    with figure_style():
        figure = new_figure(9.6, 3.9)
        left, right = figure.subplots(1, 2)
        for name, (colour, mark) in colours.items():
            label = name.replace("_", " ")
            board = boards[name].rows
            left.plot([r.entry.overlap for r in board], [r.entry.error for r in board], mark, color=colour, label=label)
            found = [r for r in rows if r["observable"] == name]
            right.plot(
                [r["dice"] for r in found], [max(r["rel_error"], 1e-3) for r in found], mark, color=colour, ms=4, alpha=0.7, label=label
            )
        left.set(
            title="A dot a condition of the image (FIB-25)", xlabel="adapted Rand error", ylabel="relative error, median of 5 neurites"
        )
        right.set(title="A dot an object (three studies)", xlabel="Dice of the object", ylabel="relative error (1: no answer)")
        for axes in (left, right):
            axes.set_yscale("log")
            axes.axhline(1, color=MUTED, linewidth=0.8)
            axes.legend(loc="lower left" if axes is right else "lower right")
        figure.savefig(HERE / "figure.png", dpi=130)


if __name__ == "__main__":
    main()
