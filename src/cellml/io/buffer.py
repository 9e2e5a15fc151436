"""Space on the disk for arrays that are larger than memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def reserve(descriptor: int, size: int) -> None:
    """Reserve `size` bytes for an open file. Raises OSError (ENOSPC) now, where a memory map would kill the process later (SIGBUS)."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, max(size, 1))
    else:
        os.truncate(descriptor, max(size, 1))


def reserve_file(path: Path) -> None:
    """Reserve the disk blocks of a file that was made with holes in it."""
    with path.open("r+b") as file:
        reserve(file.fileno(), path.stat().st_size)


@contextmanager
def disk_buffer(beside: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """A zero-filled array in a nameless file in the folder of `beside`; the space returns when it is closed, even after a crash."""
    with tempfile.TemporaryFile(dir=beside.parent) as file:
        reserve(file.fileno(), int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
        yield np.memmap(file, dtype=dtype, mode="r+", shape=shape)
