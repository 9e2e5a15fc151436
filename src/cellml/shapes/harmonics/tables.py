"""Tables of coefficients as aics-shparam and the Allen Institute's data sets have them: one row a shape, columns shcoeffs_L{l}M{m}{C|S}.

Their radius is r = Σ P_lm(cos θ) (C_lm cos mφ' + S_lm sin mφ'), 4π-normalised without the Condon-Shortley sign (pyshtools' default), with
longitude φ' = φ + π counted from −x. So c_lm = √4π (−1)^m C_lm and c_l,−m = √4π (−1)^m S_lm are the coefficients of `Harmonics`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.csv_table import read_csv
from cellml.shapes.harmonics.basis import check_degree
from cellml.shapes.harmonics.coefficients import Harmonics

Floats = NDArray[np.float64]

_COLUMN = re.compile(r"^(?P<prefix>.*?)shcoeffs_L(?P<l>\d{1,4})M(?P<m>\d{1,4})(?P<part>[CS])(?P<suffix>_lcc)?$")
_NAMES = ("name", "CellId", "cell_id", "id")


def read_table(path: str | Path, *, unit: str = "nm", pixel_nm: float | None = None, prefix: str | None = None) -> dict[str, Harmonics]:
    """Star shapes of a CSV or Parquet table, by name (columns name, CellId, cell_id or id, else "row 1", …), about the origin.

    unit: of the coefficients ("nm", "µm", …); pixel_nm: where they are in pixels, as aics-shparam makes them, nm a pixel; prefix: of the
    columns where there are several, such as "mem_" and "dna_" of the Allen cells. A missing column is 0. Raises FileError for files that
    cannot be read, CellmlError for tables without coefficients, NaN, or several prefixes.
    """
    from cellml.io.units import nanometres

    factor = nanometres(unit) if pixel_nm is None else pixel_nm
    if factor is None or not factor > 0:
        raise CellmlError(f"unit={unit!r}, pixel_nm={pixel_nm} is no length; use nm, µm, mm, m or Å, or a positive number of nm a pixel.")
    rows = _rows(Path(path).expanduser())
    columns = _columns(list(rows[0]) if rows else [], prefix, path)
    degree = max(el for el, _, _ in columns.values())
    check_degree(degree)
    named = next((name for name in _NAMES if name in rows[0]), None)
    found: dict[str, Harmonics] = {}
    for number, row in enumerate(rows, start=1):
        name = str(row[named]) if named else f"row {number}"
        if name in found:
            raise CellmlError(f"{path} names two rows {name!r}; give each shape its own name.")
        values = np.zeros((1, (degree + 1) ** 2))
        for column, (el, m, part) in columns.items():
            if part == "C" or m > 0:
                values[0, el * el + el + (m if part == "C" else -m)] = _number(row[column], path, name, column) * _sign(m)
        found[name] = Harmonics(factor * np.sqrt(4 * np.pi) * values, np.zeros(3), name)
    return found


def write_table(shapes: Sequence[Harmonics], path: str | Path, *, pixel_nm: float = 1.0) -> None:
    """Write star shapes as a CSV table with the columns name and shcoeffs_L{l}M{m}{C|S}_lcc, in nm, or in pixels of so many nm.

    Centres are not part of such tables and are lost. Raises CellmlError for vector-valued shapes, which the format cannot hold, none at
    all, and different degrees.
    """
    from cellml.io.atomic import atomic_path

    if not shapes or any(not shape.is_star for shape in shapes) or len({shape.degree for shape in shapes}) > 1:
        raise CellmlError("A table of aics-shparam holds one or more star shapes of one degree; fit them with fit_star.")
    with atomic_path(Path(path)) as aside, aside.open("w", newline="", encoding="utf-8") as stream:
        table = [_row(shape, pixel_nm) for shape in shapes]
        writer = csv.DictWriter(stream, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)


def _row(shape: Harmonics, pixel_nm: float) -> dict[str, str]:
    row = {"name": shape.name}
    for part in "CS":
        for el in range(shape.degree + 1):
            for m in range(shape.degree + 1):
                exists = m <= el and (part == "C" or m > 0)
                value = shape.values[0, el * el + el + (m if part == "C" else -m)] if exists else 0.0
                row[f"shcoeffs_L{el}M{m}{part}_lcc"] = repr(float(value) * _sign(m) / (np.sqrt(4 * np.pi).item() * pixel_nm))
    return row


def _sign(m: int) -> int:
    return -1 if m % 2 else 1


def _rows(path: Path) -> list[Mapping[str, Any]]:
    if not path.is_file():
        raise FileError(f"There is no {path}.")
    if path.suffix == ".parquet":
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise CellmlError(f"{path} is a Parquet file, which pyarrow reads: pip install pyarrow, or save the table as CSV.") from error
        try:
            return list(parquet.read_table(path).to_pylist())
        except (OSError, ValueError) as error:
            raise FileError(f"{path} is no Parquet table that can be read ({error}).") from error
    return list(read_csv(path)[1])


def _columns(names: list[str], prefix: str | None, path: str | Path) -> dict[str, tuple[int, int, str]]:
    matches = {
        name: match
        for name in names
        if (match := _COLUMN.match(name)) and prefix in (None, match["prefix"]) and int(match["m"]) <= int(match["l"])
    }
    prefixes = sorted({match["prefix"] for match in matches.values()})
    if not matches:
        raise CellmlError(f"{path} has no rows, or no columns shcoeffs_L0M0C and so on{f' with the prefix {prefix!r}' if prefix else ''}.")
    if len(prefixes) > 1:
        raise CellmlError(f"{path} has coefficients with the prefixes {', '.join(map(repr, prefixes))}; choose one with prefix=.")
    return {name: (int(m["l"]), int(m["m"]), m["part"]) for name, m in matches.items()}


def _number(text: Any, path: str | Path, name: str, column: str) -> float:
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = float("nan")
    if not np.isfinite(value):
        raise CellmlError(f"{path}: {column} of {name!r} is {text!r}, which is no finite number; leave that row out.")
    return value
