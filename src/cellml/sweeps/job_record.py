"""What a run says of itself while it lives and when it is over: `job.json` in its folder."""

from __future__ import annotations

import json
import math
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

FILE = "job.json"


@dataclass(frozen=True)
class JobRecord:
    """state: "running", "done", "failed" or "interrupted"; overrides: of the command; objective, value: what a sweep minimises, None where
    it was not logged or is not finite; seconds: of all starts that ended; starts: how often it began; error: why it failed; host, process:
    where it was last begun.
    """

    state: str
    overrides: tuple[str, ...] = ()
    objective: str = ""
    value: float | None = None
    seconds: float = 0.0
    starts: int = 0
    error: str = ""
    host: str = ""
    process: int = 0

    @property
    def settled_state(self) -> str:
        """The state, but "interrupted" for a run that says it is running and whose process is gone from this machine."""
        if self.state != "running" or self.host != socket.gethostname():
            return self.state
        return "running" if _alive(self.process) else "interrupted"


def read_record(folder: Path) -> JobRecord | None:
    """The record of a run's folder; None where there is none, or none that can be read."""
    try:
        content: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return JobRecord(**{**content, "overrides": tuple(content.get("overrides", ()))})
    except (OSError, ValueError, TypeError, AttributeError):
        return None


@contextmanager
def recorded(folder: Path, overrides: Sequence[str], objective: str) -> Iterator[list[float | None]]:
    """Keep `job.json` while a run lives; put the value of the objective into the list that is given."""
    earlier = read_record(folder) or JobRecord("interrupted")
    begun = time.time()
    record = JobRecord(
        "running", tuple(overrides), objective, None, earlier.seconds, earlier.starts + 1, "", socket.gethostname(), os.getpid()
    )
    _write(folder, record)
    value: list[float | None] = []
    try:
        yield value
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        _write(folder, replace(record, state="failed", error=reason[:1000], seconds=_since(record, begun)))
        raise
    except BaseException:
        _write(folder, replace(record, state="interrupted", seconds=_since(record, begun)))
        raise
    found = value[0] if value else None
    finite = found is not None and math.isfinite(found)
    _write(folder, replace(record, state="done", value=found if finite else None, seconds=_since(record, begun)))


def mark_failed(folder: Path, reason: str) -> None:
    """Say in `job.json` that a job is given up: one that was killed on another machine could not, and would seem to run for ever.

    A folder in which nothing was begun stays as it is, and so does a record that says how the run ended.
    """
    record = read_record(folder)
    if record is not None and record.state == "running":
        _write(folder, replace(record, state="failed", error=reason[:1000]))


def _since(record: JobRecord, begun: float) -> float:
    return round(record.seconds + time.time() - begun, 3)


def _write(folder: Path, record: JobRecord) -> None:
    from cellml.io.atomic import write_json

    write_json(folder / FILE, asdict(record))


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
