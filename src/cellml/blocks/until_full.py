"""Work that ends a run where a disk is full: other parts and further tries would meet the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellml.blocks.workers import Work
from cellml.errors import FileError
from cellml.io.atomic import file_error, full_disk


@dataclass(frozen=True)
class DiskFull:
    """What a job returns instead of its value where a disk is full. told: what to say."""

    told: str


@dataclass(frozen=True)
class UntilFull:
    """A preparation of work (`cellml.blocks.workers.run_jobs`) whose jobs return `DiskFull` where a disk is full."""

    prepare: Callable[[], Work]

    def __call__(self) -> Work:
        """What a worker calls."""
        work = self.prepare()

        def until_full(job: Any, attempt: int) -> Any:
            try:
                return work(job, attempt)
            except Exception as error:
                full = full_disk(error)
                if full is None:
                    raise
                return DiskFull(str(error if isinstance(error, FileError) else file_error(full, _unwritten(full))))

        return until_full


def require_space(value: Any, kept: str) -> None:
    """Raise FileError where a job returned `DiskFull`. kept: what is not lost, as a sentence."""
    if isinstance(value, DiskFull):
        raise FileError(f"{value.told} {kept}")


def _unwritten(error: OSError) -> Path:
    """The file that could not be written, or the folder where it was likely to be."""
    return Path(str(error.filename)) if error.filename else Path(tempfile.gettempdir())
