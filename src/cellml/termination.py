"""SIGTERM, as `timeout`, Slurm and `docker stop` send it, ends a command as Ctrl-C does: half-written files are removed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived; no Exception, so that nothing takes it for an error of its own."""


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Raise Terminated in the main thread at SIGTERM, once; a second SIGTERM ends the process at once.

    Does nothing outside of the main thread, and where someone else has taken SIGTERM over.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    ours = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if os.getpid() != ours:  # a worker that was forked from us ends as it would have without us
            os.kill(os.getpid(), signal.SIGTERM)
        raise Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
