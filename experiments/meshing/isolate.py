"""Run a function in a process of its own, with limits on time and memory: whatever it does, the study goes on (Linux: reads /proc)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_EVERY_S = 0.03  # between two looks at the memory
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["cellml.meshing.mesher", "scipy.ndimage", "scipy.spatial", "skimage.measure"])


@dataclass(frozen=True)
class Ended:
    """How a process ended: "done" with its result, or "crash", "hang" or "memory" and why; wall_s in s; peak_mb: see `run_isolated`."""

    how: str
    result: dict[str, Any]
    why: str
    wall_s: float
    peak_mb: float


def run_isolated(function: Callable[..., dict[str, Any]], *args: Any, limit_s: float, limit_mb: float) -> Ended:
    """Call `function(mark, *args)` in a fresh process and return what it returned, or how it ended.

    The function calls `mark("begin")` and `mark("end")` around the work to be measured; peak_mb is the largest resident memory, in 10⁶
    bytes, of the process and all its descendants together between the two (pages that they share count in each; looked at every 0.03 s,
    and a child's own peak). All of them are killed at a limit.
    """
    here, there = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_call, args=(there, function, args))
    began = time.monotonic()
    process.start()
    there.close()
    peak, counting, how, why = 0.0, False, "", ""
    result: dict[str, Any] = {}
    while not how:
        try:
            if here.poll(_EVERY_S):
                kind, value = here.recv()
                if kind == "begin":
                    peak, counting = 0.0, True
                if kind == "end":
                    peak, counting = max(peak, value), False
                if kind == "result":
                    how, result = "done", value
                if kind == "error":
                    how, why = "crash", value
        except (EOFError, ConnectionResetError):
            process.join()
            how, why = "crash", _exit(process.exitcode)
        resident = resident_mb(process.pid) if not how else 0.0
        peak = max(peak, resident) if counting else peak
        if resident > limit_mb:
            how, why = "memory", f"{resident:.0f} MB resident where {limit_mb:g} are allowed"
        if not how and time.monotonic() - began > limit_s:
            how, why = "hang", f"still running after {limit_s:g} s"
    if how in ("hang", "memory"):
        for pid in [process.pid, *descendants(process.pid)]:
            _kill(pid)
    process.join()
    _kill_group(process.pid)
    return Ended(how, result, why, time.monotonic() - began, peak)


def descendants(pid: int | None) -> Iterator[int]:
    """Processes started by a process, by these, and so on."""
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in listing.read_text().split()]
        except OSError:
            continue
        for child in children:
            yield child
            yield from descendants(child)


def resident_mb(pid: int | None) -> float:
    """Resident memory of a process and its descendants in 10⁶ bytes."""
    pages = 0
    for each in [pid, *descendants(pid)]:
        try:
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _call(pipe: Connection, function: Callable[..., dict[str, Any]], args: tuple[Any, ...]) -> None:
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

    def mark(moment: str) -> None:
        # Until it runs a program of its own, a child shares the memory of its parent, whose peak counts as its.
        own, of_child = (getrusage(who).ru_maxrss * 1024 / 1e6 for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
        pipe.send((moment, of_child if of_child > own else 0.0))

    os.setsid()
    try:
        pipe.send(("result", function(mark, *args)))
    except Exception as error:  # a defect of whatever was called: it goes into the table
        pipe.send(("error", f"{type(error).__name__}: {error}"))


def _exit(code: int | None) -> str:
    return f"ended by signal {-code} ({signal.Signals(-code).name})" if code is not None and code < 0 else f"ended with code {code}"


def _kill(pid: int | None) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _kill_group(pid: int | None) -> None:
    """End what a process that crashed has left behind: it leads a group of its own."""
    if pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
