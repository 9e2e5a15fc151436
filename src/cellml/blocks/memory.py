"""How much memory a command and all its processes hold, pages that they share counted once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass
class PeakMemory:
    """bytes: the largest sum that was seen; samples: how often was looked."""

    bytes: int = 0
    samples: int = 0


def proportional_set_size(process: int) -> int:
    """Bytes of a process with each page divided by the number of processes that map it (PSS), 0 where that cannot be read."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def process_tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    found = [root]
    for process in found:
        for thread in Path(f"/proc/{process}/task").glob("*/children"):  # each thread lists what it started
            with suppress(OSError):
                found += [int(number) for number in thread.read_text().split()]
    return found


@contextmanager
def watched_memory(every_s: float = 2.0) -> Iterator[PeakMemory]:
    """Look at this process and its descendants in regular intervals; bytes stay 0 where there is no /proc."""
    peak, stop = PeakMemory(), threading.Event()

    def look() -> None:
        while not stop.wait(every_s):
            peak.bytes = max(peak.bytes, sum(proportional_set_size(one) for one in process_tree(os.getpid())))
            peak.samples += 1

    watcher = threading.Thread(target=look, daemon=True) if Path("/proc/self/smaps_rollup").exists() else None
    if watcher is not None:
        watcher.start()
    try:
        yield peak
    finally:
        stop.set()
        if watcher is not None:
            watcher.join()
