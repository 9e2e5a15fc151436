"""The verb `leaderboard`: runs ranked by overlap and by what is simulated in them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite, nan
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError, FileError
from cellml.evaluation.leaderboard import Entry, Leaderboard, leaderboard

SCORES = ("dice", "iou", "adapted_rand_error", "voi_sum")


def leaderboard_of(
    runs: Sequence[str],
    output: str | None = None,
    figure: str | None = None,
    score: str | None = None,
    observable: str | None = None,
    name: str = "name",
    overlap_margin: float = 0.005,
    error_margin: float = 0.02,
) -> dict[str, Any]:
    """Print the table of runs, and write it as JSON to `output` and as a figure to `figure` where they are given.

    runs: folders of `cellml train … callbacks=simulation`, whose `metrics.csv` has both numbers; folders with `scores.json` and
    `objects.csv`; or CSV tables with a row a model and the columns `name`, the score and `rel_error`; score: of overlap, the first of dice,
    iou, adapted_rand_error and voi_sum that is there where None; observable: whose error, the first where None; margins: differences that
    count. Returns what is written. Raises CellmlError where fewer than three runs have both numbers.
    """
    from cellml.io import atomic_path, write_json

    found: list[tuple[str, dict[str, float], dict[str, tuple[float, int]]]] = []
    for run in runs:
        found += _table(Path(run), name) if Path(run).is_file() else [_folder(Path(run))]
    chosen = score or next((s for s in SCORES if any(s in overlaps for _, overlaps, _ in found)), None)
    if chosen is None:
        raise CellmlError(f"None of {len(found)} runs has a score of overlap ({', '.join(SCORES)}); say which to take with score=NAME.")
    asked = observable or next((o for _, _, errors in found for o in errors), "")
    entries = [Entry(n, overlaps.get(chosen, nan), *errors.get(asked, (nan, 0))) for n, overlaps, errors in found]
    board = leaderboard(entries, chosen, overlap_margin=overlap_margin, error_margin=error_margin)
    result = {**as_plain(board), "observable": asked}
    print_board(board, asked)
    if output is not None:
        write_json(output, result)
    if figure is not None:
        from cellml.report.leaderboard_figure import leaderboard_figure

        with atomic_path(figure) as aside:
            leaderboard_figure(board, asked).savefig(aside, dpi=130)
    return result


def as_plain(board: Leaderboard) -> dict[str, Any]:
    """Plain containers, the rows with their entry's fields."""
    rows = [
        {**asdict(row.entry), "overlap_rank": row.overlap_rank, "error_rank": row.error_rank, "disagrees": row.disagrees}
        for row in board.rows
    ]
    tau = {key: value if isfinite(value) else None for key, value in (("tau", board.tau), ("low", board.tau_low), ("high", board.tau_high))}
    return {"score": board.score, "rows": rows, "tau": tau, "pairs": board.pairs, "disagreements": [list(p) for p in board.disagreements]}


def print_board(board: Leaderboard, observable: str) -> None:
    """The table on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"By overlap ({board.score}) and by simulated {observable.replace('_', ' ') or 'answer'}")
    for title in ("name", board.score, "rank", "error", "rank", "changes places with", "objects"):
        table.add_column(title, justify="left" if title == "name" else "right", overflow="fold")
    for row in board.rows:
        changed = f"[bold]{row.disagrees}[/]" if row.disagrees else ""
        entry = row.entry
        numbers = (f"{entry.overlap:.4g}", f"{row.overlap_rank:g}", f"{entry.error:.4g}", f"{row.error_rank:g}")
        table.add_row(entry.name, *numbers, changed, str(entry.objects or ""))
    Console().print(table)
    share = len(board.disagreements) / board.pairs if board.pairs else 0.0
    Console().print(
        f"Kendall's τ {board.tau:.2f} ({board.tau_low:.2f} to {board.tau_high:.2f}); of {board.pairs} pairs that differ in both, "
        f"{len(board.disagreements)} ({share:.0%}) are the other way round."
    )


def _folder(folder: Path) -> tuple[str, dict[str, float], dict[str, tuple[float, int]]]:
    """Name, scores of overlap, and (median relative error, objects) by observable of a run."""
    if not folder.is_dir():
        raise FileError(f"There is no run {folder}; give folders of runs, or tables (.csv).")
    overlaps: dict[str, float] = {}
    errors: dict[str, tuple[float, int]] = {}
    for path in sorted(folder.rglob("metrics.csv")):
        last = _last_values(path)
        overlaps |= {key.removeprefix("val/"): value for key, value in last.items() if key.startswith("val/") and "/sim/" not in key}
        count = int(last.get("val/sim/objects", 0))
        for key, value in last.items():
            if key.startswith("val/sim/") and key.endswith("/rel_error"):
                errors[key.removeprefix("val/sim/").removesuffix("/rel_error")] = (value, count)
    for path in sorted(folder.glob("scores*.json")):
        overlaps |= _numbers(json.loads(path.read_text(encoding="utf-8")))
    if (folder / "objects.csv").is_file():
        from cellml.report.objects import read_objects, statistics

        for one in statistics(read_objects(folder / "objects.csv")):
            errors[one.observable] = (one.median_error, one.objects)
    return folder.name, overlaps, errors


def _last_values(path: Path) -> dict[str, float]:
    """The last number in each column of Lightning's table."""
    last: dict[str, float] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            for key, text in row.items():
                try:
                    last[str(key)] = float(text)
                except (TypeError, ValueError):
                    continue
    return last


def _numbers(content: Any) -> dict[str, float]:
    """All numbers of nested containers, by their own key; the first of a key counts."""
    found: dict[str, float] = {}
    if isinstance(content, Mapping):
        for key, value in content.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(str(key), float(value))
            elif isinstance(value, Mapping):
                found |= {k: v for k, v in _numbers(value).items() if k not in found}
    return found


def _table(path: Path, name: str) -> list[tuple[str, dict[str, float], dict[str, tuple[float, int]]]]:
    """A row a model: every column that is a number is a score, `rel_error` its error."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or name not in rows[0] or "rel_error" not in rows[0]:
        raise FileError(f"{path} needs a row a model, with the columns {name}, rel_error and a score of overlap.")
    found = []
    for row in rows:
        numbers = {}
        for key, text in row.items():
            try:
                numbers[key] = float(text)
            except (TypeError, ValueError):
                continue
        error = numbers.pop("rel_error", nan)
        found.append((str(row[name]), numbers, {row.get("observable") or "answer": (error, int(numbers.get("objects", 0)))}))
    return found
