"""Work that fails, hangs or dies as its job says; a module of its own, so that workers can import it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError


def prepare() -> Callable[[Any, int], Any]:
    return work


def work(job: Any, attempt: int) -> Any:
    what, value = job
    if what == "fail":
        raise CellmlError(f"no {value}")
    if what == "defect":
        raise KeyError(value)
    if what == "die" and attempt <= value:
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hang":
        Path(value).write_text(str(os.getpid()))
        time.sleep(60)
    while what == "busy":
        pass
    return value, attempt, os.environ["OMP_NUM_THREADS"]
