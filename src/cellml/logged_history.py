"""Tables of what a run logged, and how they survive an interruption: rows from before it stay when it goes on in its folder."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellml.io.csv_table import read_csv


def keep_logged_rows(loggers: Sequence[Any], step: int) -> None:
    """Give Lightning's CSV loggers, which begin anew, the rows of their file up to `step`; later ones are computed again."""
    from pytorch_lightning.loggers import CSVLogger

    for logger in loggers:
        if isinstance(logger, CSVLogger):
            rows = logged_rows(Path(logger.log_dir) / "metrics.csv", step)
            logger.experiment.metrics.extend(rows)


def logged_rows(path: Path, step: int) -> list[dict[str, float]]:
    """The rows of a `metrics.csv` up to a step, without their empty cells; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [{key: float(text) for key, text in row.items() if key and text} for row in csv.DictReader(stream)]
    return [{**row, "step": int(row["step"])} for row in rows if row.get("step", step + 1) <= step]


def last_values(path: Path) -> dict[str, float]:
    """The last number in each column of a `metrics.csv`. Raises FileError where it is damaged."""
    last: dict[str, float] = {}
    for row in read_csv(path)[1]:
        last |= numbers_of(row)
    return last


def numbers_of(row: Mapping[str, str]) -> dict[str, float]:
    """The cells of a row that are numbers."""
    found = {}
    for key, text in row.items():
        try:
            found[key] = float(text)
        except ValueError:
            continue
    return found
