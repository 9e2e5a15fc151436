"""One file, read: the outcome that the documentation promises, or a finding."""

from __future__ import annotations

import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from target import Target

from cellml.errors import CellmlError

SLOWEST_S = 20.0


class TooSlowError(Exception):
    """A file of a few kilobytes kept a reader busy for longer than anybody waits."""


def finding_of(target: Target, path: Path) -> str:
    """Empty where the file was read or refused by a CellmlError, else what went wrong instead."""
    begun = time.monotonic()
    try:
        with warnings.catch_warnings(), _no_longer_than(SLOWEST_S):
            warnings.simplefilter("ignore")
            target.read(path)
    except CellmlError:
        pass  # unless it stands for an alarm that the reader took for a defect of the file
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__}: {str(error)[:300]}"
    return "" if time.monotonic() - begun < SLOWEST_S else f"TooSlowError: longer than {SLOWEST_S:g} s"


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlowError(f"longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def make_seeds(target: Target, folder: Path) -> list[Path]:
    """Sound files of a target; what else its writer leaves beside them stays there for the reader to find."""
    folder.mkdir(parents=True, exist_ok=True)
    target.make(folder)
    return sorted(path for path in folder.iterdir() if path.name.endswith(target.suffix))
