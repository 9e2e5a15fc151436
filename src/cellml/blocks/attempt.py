"""One try of one job inside a worker process."""

from __future__ import annotations

import gc
import hashlib
import pickle
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from cellml.blocks.workers import PATIENCE, Work, processor_s
from cellml.errors import CellmlError

_ready: dict[str, Work] = {}  # of this process: what the last stage prepared, such as a network


def digest_of(prepare: Callable[[], Work]) -> tuple[str, bytes]:
    """A preparation pickled, and a name for it under which workers keep what it gave."""
    packed = pickle.dumps(prepare)
    return hashlib.sha256(packed).hexdigest()[:16], packed


def attempted(digest: str, packed: bytes, job: Any, attempt: int, timeout_s: float) -> tuple[bool, Any, float, float]:
    """Do a job; whether it went well, its value or the reason, seconds by the clock and of the processor.

    digest, packed: of `digest_of`, unpacked once in a process. The process is ended by a timer where the job takes longer than timeout_s of
    processor time, or PATIENCE times as long by the clock: no loop in compiled code can hold that up.
    """
    begun, used = time.monotonic(), processor_s()
    try:
        _prepare(digest, packed)
        signal.setitimer(signal.ITIMER_PROF, timeout_s)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE * timeout_s)
        good, value = True, _ready[digest](job, attempt)
    except CellmlError as error:
        good, value = False, str(error)
    except Exception as error:  # a defect met in one job must neither hide nor take the others with it
        good, value = False, f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    return good, value, time.monotonic() - begun, processor_s() - used


def get_ready(digest: str, packed: bytes) -> None:
    """Prepare for jobs that other workers have; what goes wrong here is told by the first job that meets it."""
    with suppress(Exception):
        _prepare(digest, packed)


def _prepare(digest: str, packed: bytes) -> None:
    if digest in _ready:
        return
    _ready.clear()  # what an earlier stage held makes room
    gc.unfreeze()
    gc.collect()
    _ready[digest] = pickle.loads(packed)()
    gc.freeze()  # libraries stay: that need not be found out by looking through them again and again
