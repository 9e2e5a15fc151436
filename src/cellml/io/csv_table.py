"""Tables of text from elsewhere: columns separated by commas under one line of names."""

from __future__ import annotations

import csv
from pathlib import Path

from cellml.errors import FileError

LARGEST = 1 << 30  # bytes; a table is read whole


def read_csv(path: str | Path, *, what: str = "table", remedy: str = "") -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """The names of the columns of a CSV file (UTF-8, with or without a byte-order mark) and its rows, with "" for fields that are missing.

    what: the table is called in messages; remedy: what they say where there is no such file. Raises FileError, with the line where there
    is one, for a file that is missing, larger than a gigabyte or no text, two columns of one name, and more fields than names.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileError(f"There is no {what} {path}{f'; {remedy}' if remedy else '.'}")
    if path.stat().st_size > LARGEST:
        raise FileError(f"{path} has {path.stat().st_size / 1e9:.1f} GB; tables of up to 1 GB are read.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            names = tuple(next(reader, ()))
            rows = [(reader.line_num, fields) for fields in reader if fields]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path} is no CSV table that can be read ({error}); save it as UTF-8 text with commas.") from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileError(f"{path} has the column {twice[0]!r} {names.count(twice[0])} times; names of columns must differ.")
    for line, fields in rows:
        if len(fields) > len(names):
            raise FileError(f"{path}, line {line}: {len(fields)} fields under {len(names)} names; quote fields that hold commas.")
    return names, [dict(zip(names, [*fields, *[""] * (len(names) - len(fields))], strict=True)) for _, fields in rows]
