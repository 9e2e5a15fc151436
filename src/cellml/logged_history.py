"""Tables of what a run logged, and how they survive an interruption: rows from before it stay when it goes on in its folder."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellml.io.csv_table import read_csv


def keep_logged_rows(loggers: Sequence[Any], step: int) -> None:
    """Give Lightning's CSV loggers, which begin anew, the rows of their file up to `step`; later ones are computed again.

    Of several processes the first one logs, and the others do nothing.
    """
    from pytorch_lightning.loggers import CSVLogger
    from pytorch_lightning.utilities import rank_zero_only

    if getattr(rank_zero_only, "rank", 0) != 0:
        return
    for logger in loggers:
        if isinstance(logger, CSVLogger):
            rows = logged_rows(Path(logger.log_dir) / "metrics.csv", step)
            logger.experiment.metrics.extend(rows)
            logger.experiment.save()  # it has removed the file, and may be killed again before it would write


def logged_rows(path: Path, step: int) -> list[dict[str, float]]:
    """The rows of a `metrics.csv` up to a step, without their empty cells; none where there is no file.

    A last line without its end was cut off when the run was killed: it is left out, for its numbers may lack digits.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    rows = [numbers_of(row) for row in csv.DictReader(line for line in lines if line.endswith("\n"))]
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
        except (TypeError, ValueError):  # csv has None for cells that are missing, and a list for those without a name
            continue
    return found
