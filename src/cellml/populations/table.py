"""The table of a population: a row a shape, written as it comes, so that an interrupted run goes on where it stood."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.atomic import file_error
from cellml.report.rows import read_rows

Floats = NDArray[np.float64]

TABLE, RECORD = "table.csv", "record.json"
STATES = ("ok", "incomplete", "failed")  # incomplete: some observables have no answer on this shape
ABOUT = ("name", "group", "class", "state", "reason", "tries", "wall_s", "cpu_s")


@dataclass(frozen=True)
class Table:
    """A CSV file with a header and these columns; a row that a killed process left half-written is dropped."""

    path: Path
    columns: tuple[str, ...]

    def begin(self) -> list[dict[str, str]]:
        """The rows that are there, after mending the end of the file; writes the header where there is no file.

        Raises FileError where the file has other columns or cannot be written.
        """
        if self.path.is_file():
            self._mend()
        if not self.path.is_file() or not self.path.stat().st_size:
            self._write([], "w")
            return []
        with self.path.open(newline="", encoding="utf-8") as stream:
            header = tuple(next(csv.reader(stream), ()))
        if header != self.columns:
            odd = sorted(set(header) ^ set(self.columns))
            raise FileError(
                f"{self.path} has other columns than this run writes ({', '.join(odd[:5]) or 'in another order'}); choose another output."
            )
        return read_rows(self.path)

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row at the end, flushed to the disk; columns that it does not have stay empty. Raises FileError where that fails."""
        self._write([row], "a")

    def replace(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """The whole table anew, atomically."""
        from cellml.io.atomic import write_text

        write_text(self.path, self._lines(rows, header=True))

    def copy_as_parquet(self) -> Path | None:
        """The table as a Parquet file beside it, numbers as float64 with nulls for empty cells; None where pyarrow is missing."""
        try:
            import pyarrow as arrow
            from pyarrow import parquet
        except ImportError:
            return None
        from cellml.io.atomic import atomic_path

        rows, path = read_rows(self.path), self.path.with_suffix(".parquet")
        columns = {name: _column([row[name] for row in rows]) for name in self.columns}
        with atomic_path(path) as aside:
            parquet.write_table(arrow.table(columns), aside)
        return path

    def _write(self, rows: Iterable[Mapping[str, Any]], mode: str) -> None:
        try:
            with self.path.open(mode, newline="", encoding="utf-8") as stream:
                stream.write(self._lines(rows, header=mode == "w"))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise file_error(error, self.path) from error

    def _lines(self, rows: Iterable[Mapping[str, Any]], header: bool) -> str:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, restval="", lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
        return text.getvalue()

    def _mend(self) -> None:
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with self.path.open("r+b") as stream:
                stream.truncate(len(whole))


def _column(cells: Sequence[str]) -> list[Any]:
    """Cells as numbers where all that are not empty are some, else as texts; None for empty ones."""
    try:
        return [float(cell) if cell else None for cell in cells]
    except ValueError:
        return [cell or None for cell in cells]


def _cell(value: Any) -> Any:
    """A cell: numbers with ten digits, texts on one line."""
    if isinstance(value, float | np.floating):
        return f"{value:.10g}"
    return " ".join(str(value).split()) if isinstance(value, str) else value


@dataclass(frozen=True, eq=False)
class Simulated:
    """Rows of a table that have all that was asked of them.

    names, groups, kinds: (N,); features: name → (N,) descriptors; observables: name → (N,), in `units`; rows: how many the table has.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    kinds: tuple[str, ...]
    features: Mapping[str, Floats]
    observables: Mapping[str, Floats]
    units: Mapping[str, str]
    rows: int


def read_simulated(path: str | Path, features: Sequence[str] | None = None, observables: Sequence[str] | None = None) -> Simulated:
    """The shapes of a table of `cellml populate` (the CSV file or its folder) for which every one of these columns has a number.

    features: columns, by default the descriptors; observables: by default those of its model, which the record beside it names. Raises
    FileError for a missing table or column, CellmlError where fewer than three rows are whole.
    """
    place = Path(path).expanduser()
    place = place / TABLE if place.is_dir() else place
    if not place.is_file():
        raise FileError(f"There is no table {place}; `cellml populate` makes one.")
    rows, record = read_rows(place), read_record(place.parent)
    units = dict(record.get("units", {}))
    wanted = [str(one) for one in (record.get("features", ()) if features is None else features)]
    asked = [str(one) for one in (units if observables is None else observables)]
    if not wanted or not asked:
        raise FileError(
            f"{place.parent / RECORD} does not say which columns are descriptors and observables; name them with features= and "
            "observables=."
        )
    known = list(rows[0]) if rows else []
    missing = [name for name in [*wanted, *asked] if name not in known]
    if missing:
        raise FileError(f"{place} has no column {', '.join(missing[:3])}; it has {', '.join(known) or 'no rows'}.")
    numbers = np.array([[_number(row[name], name, place) for name in [*wanted, *asked]] for row in rows])
    whole = np.isfinite(numbers).all(axis=1)
    if whole.sum() < 3:
        raise CellmlError(f"{whole.sum()} of {len(rows)} rows of {place} have all numbers that are needed; three are the least.")
    columns = dict(zip([*wanted, *asked], numbers[whole].T, strict=True))
    texts = [tuple(row.get(key) or "" for row, good in zip(rows, whole, strict=True) if good) for key in ("name", "group", "class")]
    return Simulated(
        texts[0], texts[1], texts[2], {n: columns[n] for n in wanted}, {n: columns[n] for n in asked},
        {n: units.get(n, "") for n in asked}, len(rows),
    )  # fmt: skip


def read_record(folder: Path) -> dict[str, Any]:
    """What a run noted beside its table, empty where there is nothing. Raises FileError where it is damaged."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise FileError(f"{path} is not the record of a population ({error}).") from error


def _number(cell: str | None, column: str, path: Path) -> float:
    try:
        return float(cell) if cell else float("nan")
    except ValueError:
        raise CellmlError(f"The column {column} of {path} holds {cell!r}, which is no number.") from None
