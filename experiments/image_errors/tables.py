"""Tables that grow by a row at a time, so that an interrupted study goes on where it stood."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

KEY = ("error", "strength", "repair", "draw")


def read_rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def done_keys(path: Path) -> set[tuple[str, ...]]:
    return {tuple(row[name] for name in KEY) for row in read_rows(path)}


def append_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        if new:
            writer.writeheader()
        writer.writerows(rows)
