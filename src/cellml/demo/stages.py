"""A run in stages that know the time: what each may take, what it took, what it gave up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cellml.report.summary import StageTime


@dataclass
class Clock:
    """Times stages against a total of `minutes`.

    finished: the stages so far; notes added with `note` belong to the running stage.
    """

    minutes: float
    finished: list[StageTime] = field(default_factory=list)
    _begun: float = field(default_factory=time.monotonic)
    _notes: list[str] = field(default_factory=list)

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was made."""
        return time.monotonic() - self._begun

    @property
    def left(self) -> float:
        """Seconds until the total is used up, never negative."""
        return max(0.0, 60 * self.minutes - self.elapsed)

    def note(self, text: str) -> None:
        """Say, here and in the report, what the running stage gave up."""
        print(f"    {text}", flush=True)
        self._notes.append(text)

    @contextmanager
    def stage(self, name: str, budget_seconds: float) -> Iterator[None]:
        """Announce a stage, time it, and print its share."""
        print(f"[{self._stamp()}] {name} (about {_minutes(budget_seconds)}) …", flush=True)
        begin, self._notes = time.monotonic(), []
        yield
        seconds = time.monotonic() - begin
        self.finished.append(StageTime(name, round(seconds, 1), budget_seconds, "; ".join(self._notes)))
        share = seconds / max(self.elapsed, 1e-9)
        print(f"[{self._stamp()}] {name}: {_minutes(seconds)}, {share:.0%} of the time so far", flush=True)

    def _stamp(self) -> str:
        minutes, seconds = divmod(int(self.elapsed), 60)
        return f"{minutes:02d}:{seconds:02d}"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
