"""The rows of a study, written as they come: an interrupted study reads what is done and goes on."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV table with a header, none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row at the end of the table, print it, and begin the table with a header where it is the first."""
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(*row.values(), flush=True)
