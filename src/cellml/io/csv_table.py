"""Tables of text from elsewhere: columns separated by commas under one line of names."""

from __future__ import annotations

import csv
from pathlib import Path

from cellml.errors import FileError

LARGEST = 1 << 30  # bytes; a table is read whole


def read_csv(path: str | Path, *, what: str = "table", remedy: str = "") -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """The names of the columns of a CSV file (UTF-8, with or without a byte-order mark) and its rows, with "" for fields that are missing.

    Arguments and errors as in `csv_lines`; two columns of one name and more fields than names are refused too, with the line.
    """
    names, rows = csv_lines(path, what=what, remedy=remedy)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileError(f"{path} has the column {twice[0]!r} {names.count(twice[0])} times; names of columns must differ.")
    for line, fields in rows:
        if len(fields) > len(names):
            raise FileError(f"{path}, line {line}: {len(fields)} fields under {len(names)} names; quote fields that hold commas.")
    return names, [dict(zip(names, [*fields, *[""] * (len(names) - len(fields))], strict=True)) for _, fields in rows]


def csv_lines(path: str | Path, *, what: str = "table", remedy: str = "") -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    """The first line that is not empty, and every further one with its number in the file, as fields, for what names lines in messages.

    what: the table is called in messages; remedy: what they say where there is no such file. Raises FileError for a file that is missing,
    larger than a gigabyte, or no text that can be parsed.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileError(f"There is no {what} {path}{f'; {remedy}' if remedy else '.'}")
    if path.stat().st_size > LARGEST:
        raise FileError(f"{path} has {path.stat().st_size / 1e9:.1f} GB; tables of up to 1 GB are read.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            rows = [(reader.line_num, fields) for fields in reader if fields]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path} is no CSV {what} that can be read ({error}); save it as UTF-8 text with commas.") from error
    return (tuple(rows[0][1]), rows[1:]) if rows else ((), [])
