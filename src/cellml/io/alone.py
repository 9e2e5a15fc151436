"""A folder in which one process works at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cellml.errors import CellmlError, FileError

LOCK = ".cellml.lock"


@contextmanager
def alone_in(folder: str | Path) -> Iterator[None]:
    """Hold a folder, made where there is none, while steps that can be gone on with are done in it.

    The lock of a process that is killed is free at once. Raises CellmlError where another process holds it, and FileError where the folder
    cannot be made or locked.
    """
    from filelock import FileLock, Timeout

    from cellml.io.atomic import file_error

    target = Path(folder).expanduser()
    try:
        target.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        raise CellmlError(f"Another process is working in {target} right now; wait for it, or name another output.") from None
    except NotImplementedError as error:  # by versions of filelock that do not fall back to the mere existence of a file
        raise FileError(f"{target} is on a file system that knows no locks ({error}); choose another place.") from error
    except OSError as error:
        raise file_error(error, target) from error
    try:
        yield
    finally:
        lock.release()  # the empty file stays: removing it would take it from under a process that has just opened it
