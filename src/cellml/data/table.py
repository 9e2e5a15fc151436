"""Tables of numbers: columns of a CSV file by name."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.csv_table import csv_lines


def read_columns(path: str | Path, names: Sequence[str]) -> NDArray[np.float32]:
    """Columns of a CSV table with a header, (N, len(names)) float32, by name.

    Raises FileError for a file that cannot be read or has no rows, and CellmlError for a column that it lacks (with the nearest name), a
    name that its header holds twice, and, with the line, a cell that is no finite number.
    """
    header, rows = _rows(Path(path))
    for name in names:
        if header.count(name) != 1:
            near = get_close_matches(name, header, n=1)
            what = f"the column {name!r} {header.count(name)} times" if name in header else f"no column {name!r}"
            raise CellmlError(f"{path} has {what}{f'; did you mean {near[0]!r}?' if near and near[0] != name else ''}")
    places = [header.index(name) for name in names]
    values = np.empty((len(rows), len(names)), np.float32)
    for n, (line, row) in enumerate(rows):
        for k, place in enumerate(places):
            values[n, k] = _number(row, place, f"{path}:{line}: {header[place]}")
    return values


def read_words(path: str | Path, name: str) -> list[str]:
    """One column as text, (N,). Raises as `read_columns`."""
    header, rows = _rows(Path(path))
    if header.count(name) != 1:
        raise CellmlError(f"{path} has the column {name!r} {header.count(name)} times; its columns are {', '.join(header)}.")
    place = header.index(name)
    return [row[place].strip() if place < len(row) else "" for _, row in rows]


def _rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    names, lines = csv_lines(path)
    rows = [(line, row) for line, row in lines if any(cell.strip() for cell in row)]
    if not rows:
        raise FileError(f"{path} needs a header and at least one row below it; it has {len(names) and 1} lines.")
    return [cell.strip() for cell in names], rows


def _number(row: list[str], place: int, where: str) -> float:
    text = row[place].strip() if place < len(row) else ""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise CellmlError(f"{where} is {text!r}, no finite number; fill the cell or leave the row out.")
    return value
