"""Edits of a session: each can be taken back, and each is counted and timed."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.atomic import file_error, write_text

IDLE_SECONDS = 60.0  # a longer pause is no work


@dataclass(frozen=True, eq=False)
class Edit:
    """Voxels of one layer before and after. action: its name in the log; layer: "labels" or "scribbles"; flat: (n,) flat indices."""

    action: str
    layer: str
    flat: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]


class History:
    """What can be taken back and done again; the oldest edits are forgotten beyond `limit` voxels."""

    def __init__(self, limit: int = 50_000_000) -> None:
        self.limit = limit
        self._done: list[Edit] = []
        self._undone: list[Edit] = []

    def add(self, edit: Edit) -> None:
        """Remember a new edit; what was undone cannot be redone any more."""
        self._done.append(edit)
        self._undone.clear()
        while len(self._done) > 1 and sum(len(e.flat) for e in self._done) > self.limit:
            self._done.pop(0)

    def undo(self) -> Edit:
        """The last edit, to be reversed. Raises CellmlError if there is none."""
        if not self._done:
            raise CellmlError("There is nothing to undo.")
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def redo(self) -> Edit:
        """The last edit that was undone, to be applied again. Raises CellmlError if there is none."""
        if not self._undone:
            raise CellmlError("There is nothing to redo.")
        self._done.append(self._undone.pop())
        return self._done[-1]


class EditLog:
    """One JSON line for each edit: what, where, when, and how long it took.

    A line is on the disk before the next edit begins. seconds: time since the previous line of the same sitting; of a pause longer than a
    minute one minute is counted.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.entries = read_log(self.path)
        self._last: float | None = None

    def append(self, action: str, now: float, **details: Any) -> dict[str, Any]:
        """Write an entry. now: seconds since 1970; details: plain values."""
        seconds = 0.0 if self._last is None else min(max(now - self._last, 0.0), IDLE_SECONDS)
        entry = {"number": len(self.entries) + 1, "time": _iso(now), "seconds": round(seconds, 3), "action": action, **details}
        self._last = now
        self._write(json.dumps(entry) + "\n")
        self.entries.append(entry)
        return entry

    def _write(self, line: str) -> None:
        """Put a whole line at the end, or none: half a line would damage the next one. Raises FileError if the disk is full."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                left = memoryview(line.encode())
                while left:
                    left = left[file.write(left) :]
                os.fsync(file.fileno())
            except OSError as error:
                file.truncate(before)
                raise file_error(error, self.path) from error


def read_log(path: Path) -> list[dict[str, Any]]:
    """The entries of a log; a last line that was cut off is left out, and removed from the file. Raises FileError for another bad line."""
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is no log of edits: it is not text ({error}).") from error
    whole, rest = lines[:-1], lines[-1]
    if rest:
        write_text(path, "".join(line + "\n" for line in whole))
    entries = []
    for number, line in enumerate(whole, 1):
        try:
            entries.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise FileError(f"{path}, line {number} is damaged; remove the line, and the session can be resumed.") from error
    return entries


@dataclass(frozen=True)
class Cost:
    """What labelling took. edits: how many of each kind, undone ones counted too; seconds: of work; voxels: changed by them."""

    edits: Mapping[str, int]
    undone: int
    seconds: float
    voxels: int

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.edits.items()) or "none"
        return f"{sum(self.edits.values())} edits ({kinds}; {self.undone} undone), {self.voxels:,} voxels, {self.seconds / 60:.1f} minutes"


def cost(entries: list[dict[str, Any]]) -> Cost:
    """Sum up a log. Retraining, saving, opening and undoing are no edits, though their time counts."""
    edits = [entry for entry in entries if "voxels" in entry and entry["action"] not in ("undo", "redo")]
    return Cost(
        dict(Counter(entry["action"] for entry in edits)),
        sum(entry["action"] == "undo" for entry in entries),
        sum(entry["seconds"] for entry in entries),
        sum(entry["voxels"] for entry in edits),
    )


def _iso(now: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
