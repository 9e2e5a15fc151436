"""A stage: all its parts done by the workers, with a bar where someone watches, and an error that says what was not."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cellml.blocks.engine import Run
from cellml.blocks.until_full import UntilFull, require_space
from cellml.blocks.workers import Outcome, Work
from cellml.errors import CellmlError

_MOST_FAILURES = 8  # the others would fail as well, and take their time for it


@dataclass(frozen=True)
class Limits:
    """timeout_s: processor time of one try of one part; tries: of each part. Raises CellmlError for less than one, or none at all."""

    timeout_s: float = 3600.0
    tries: int = 3

    def __post_init__(self) -> None:
        if self.tries < 1 or not self.timeout_s > 0:
            raise CellmlError(f"tries={self.tries} and timeout_s={self.timeout_s:g} must be at least 1 and above 0.")


def all_done(run: Run, what: str, prepare: Callable[[], Work], jobs: Sequence[Any], limits: Limits) -> float:
    """Do every job and return the seconds by the clock. Raises CellmlError where some failed, after the others had their turn."""
    begun, failed = time.perf_counter(), list[Outcome]()
    for outcome in watched(run, what, prepare, jobs, limits):
        if outcome.reason:
            failed.append(outcome)
            if len(failed) >= _MOST_FAILURES:
                break
    if failed:
        first = min(failed, key=lambda outcome: outcome.number)
        raise CellmlError(
            f"{what}: {len(failed)} of {len(jobs)} parts failed after {first.tries} tries each: {first.reason}. What is done is kept; "
            "once the cause is mended, the same command goes on."
        )
    return time.perf_counter() - begun


def one_done(run: Run, what: str, prepare: Callable[[], Work], limits: Limits) -> Any:
    """Do the only job (number 0) of a stage and return its value. Raises CellmlError with the reason where it failed."""
    (outcome,) = watched(run, what, prepare, [0], limits)
    if outcome.reason:
        raise CellmlError(outcome.reason)
    return outcome.value


def watched(run: Run, what: str, prepare: Callable[[], Work], jobs: Sequence[Any], limits: Limits) -> Any:
    """The outcomes of jobs, with a bar on standard error that goes when they are done. Raises FileError where a disk is full."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(f"{what:12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(jobs))
        for outcome in run(UntilFull(prepare), jobs, timeout_s=limits.timeout_s, tries=limits.tries) if jobs else ():
            require_space(outcome.value, "What is done is kept; the same command goes on from there.")
            progress.advance(bar)
            yield outcome
