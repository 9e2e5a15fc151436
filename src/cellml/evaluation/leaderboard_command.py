"""The verb `leaderboard`: runs ranked by overlap and by what is simulated in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite, nan
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError, FileError
from cellml.evaluation.leaderboard import FEWEST_FOR_TAU, Entry, Leaderboard, leaderboard
from cellml.io.csv_table import read_csv
from cellml.logged_history import last_values, numbers_of

SCORES = ("dice", "iou", "adapted_rand_error", "voi_sum")
FEW_OBJECTS = 5  # a median over fewer moves with each of them


@dataclass(frozen=True)
class Run:
    """What is known of a run. overlaps: scores by name; errors: (median relative error, number of objects) by observable."""

    name: str
    overlaps: dict[str, float]
    errors: dict[str, tuple[float, int]]


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
    count. Runs that lack one of the two are left out, and named. Returns what is written. Raises CellmlError where fewer than two runs
    have both numbers, and for a score or an observable that none has, FileError for files that cannot be read.
    """
    from cellml.io import write_json
    from cellml.report.figure_file import require_figure, write_figure

    require_figure(figure)
    found: list[Run] = []
    for run in runs:
        found += _table(Path(run), name) if Path(run).is_file() else [_folder(Path(run))]
    found = _named_apart(found, runs)
    chosen = _chosen("score", score, SCORES, [run.overlaps for run in found])
    asked = _chosen("observable", observable, None, [run.errors for run in found])
    entries = [Entry(r.name, r.overlaps.get(chosen, nan), *r.errors.get(asked, (nan, 0))) for r in found]
    board = leaderboard(entries, chosen, overlap_margin=overlap_margin, error_margin=error_margin)
    result = {**as_plain(board), "observable": asked}
    print_board(board, asked)
    left_out = [e.name for e in entries if not (isfinite(e.overlap) and isfinite(e.error))]
    if left_out:
        print(f"Left out, without {chosen} or an error of {asked}: {', '.join(left_out)}.")
    if output is not None:
        write_json(output, result)
    if figure is not None:
        from cellml.report.leaderboard_figure import leaderboard_figure

        write_figure(leaderboard_figure(board, asked), figure)
    return result


def _chosen(key: str, asked: str | None, usual: Sequence[str] | None, of_runs: Sequence[Mapping[str, Any]]) -> str:
    """What is asked, else the first that is usual (None: anything) and that a run has. Raises CellmlError where no run has it."""
    known = list(dict.fromkeys(name for one in of_runs for name in one))
    wanted = [asked] if asked else known if usual is None else list(usual)
    found = next((name for name in wanted if name in known), None)
    if found is None:
        there = f"they have {', '.join(known[:12])}; say which to take with {key}=NAME" if known else "they have none"
        raise CellmlError(f"None of {len(of_runs)} runs has the {key} {' or '.join(wanted) or 'of any kind'}: {there}.")
    return found


def _named_apart(found: list[Run], given: Sequence[str]) -> list[Run]:
    """Folders of the same name by the path that was given, so that rows can be told apart."""
    names = [run.name for run in found]
    paths = {Path(one).name: [g for g in given if Path(g).name == Path(one).name] for one in given}
    return [replace(run, name=paths[run.name].pop(0)) if names.count(run.name) > 1 and paths.get(run.name) else run for run in found]


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
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(f"By overlap ({board.score}) and by simulated {observable.replace('_', ' ')}"))
    for title in ("name", board.score, "rank", "error", "rank", "changes places with", "objects"):
        table.add_column(title, justify="left" if title == "name" else "right", overflow="fold")
    for row in board.rows:
        changed = f"[bold]{row.disagrees}[/]" if row.disagrees else ""
        entry = row.entry
        numbers = (f"{entry.overlap:.4g}", f"{row.overlap_rank:g}", f"{entry.error:.4g}", f"{row.error_rank:g}")
        table.add_row(escape(entry.name), *numbers, changed, str(entry.objects or ""))
    console = Console(soft_wrap=True)
    console.width = console.width if console.is_terminal else 120
    console.print(table)
    share = len(board.disagreements) / board.pairs if board.pairs else 0.0
    console.print(
        f"{_of_tau(board)}; of {board.pairs} pairs that differ in both, {len(board.disagreements)} ({share:.0%}) are the other way round."
    )
    few = [f"{row.entry.name}: {row.entry.objects}" for row in board.rows if 0 < row.entry.objects < FEW_OBJECTS]
    if few:
        told = f"Few objects rank here, fewer than {FEW_OBJECTS} ({', '.join(few)}): other objects may well order them otherwise."
        console.print(told, markup=False)


def _of_tau(board: Leaderboard) -> str:
    if len(board.rows) < FEWEST_FOR_TAU:
        return f"Kendall's τ needs {FEWEST_FOR_TAU} entries or more"
    if not isfinite(board.tau):
        return "All are tied in one of the two, so that there is no rank correlation"
    interval = f"{board.tau_low:.2f} to {board.tau_high:.2f}" if isfinite(board.tau_low) else "too few pairs for an interval"
    return f"Kendall's τ {board.tau:.2f} ({interval})"


def _folder(folder: Path) -> Run:
    """A run by its folder. Raises FileError where it is none, or its files are damaged."""
    if not folder.is_dir():
        raise FileError(f"There is no run {folder}; give folders of runs, or tables (.csv).")
    overlaps: dict[str, float] = {}
    errors: dict[str, tuple[float, int]] = {}
    for path in sorted(folder.rglob("metrics.csv")):
        last = last_values(path)
        overlaps |= {key.removeprefix("val/"): value for key, value in last.items() if key.startswith("val/") and "/sim/" not in key}
        count = _count(last.get("val/sim/objects", 0.0))
        for key, value in last.items():
            if key.startswith("val/sim/") and key.endswith("/rel_error"):
                errors[key.removeprefix("val/sim/").removesuffix("/rel_error")] = (value, count)
    for path in sorted(folder.glob("scores*.json")):
        overlaps |= _numbers(_content(path))
    if (folder / "objects.csv").is_file():
        from cellml.report.objects import read_objects, statistics

        for one in statistics(read_objects(folder / "objects.csv")):
            errors[one.observable] = (one.median_error, one.objects)
    return Run(folder.name, overlaps, errors)


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_int=float)  # of more digits than a float has: infinity
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"{path} is no JSON of scores ({error}).") from error


def _count(value: float) -> int:
    return int(value) if isfinite(value) else 0


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


def _table(path: Path, name: str) -> list[Run]:
    """A row a model: every column that is a number is a score, `rel_error` its error."""
    rows = read_csv(path)[1]
    if not rows or name not in rows[0] or "rel_error" not in rows[0]:
        raise FileError(f"{path} needs a row a model, with the columns {name}, rel_error and a score of overlap.")
    found = []
    for row in rows:
        numbers = numbers_of(row)
        error, count = numbers.pop("rel_error", nan), _count(numbers.get("objects", 0.0))
        found.append(Run(str(row[name]), numbers, {row.get("observable") or "answer": (error, count)}))
    return found
