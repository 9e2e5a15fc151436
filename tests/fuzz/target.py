"""What a reader of foreign files is for fuzzing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Target:
    """suffix: of the files; make: writes sound files into a folder; read: what a user's command does first with such a file."""

    name: str
    suffix: str
    make: Callable[[Path], None]
    read: Callable[[Path], Any]
