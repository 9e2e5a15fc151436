"""What of a stage is done: a file for each part, which appears when what it stands for is safe on the disk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.io.atomic import atomic_path, write_json


@dataclass(frozen=True)
class Manifest:
    """A folder named after a stage and what was asked of it, so that another question never finds the answers to this one.

    A part's file is written aside, flushed to the disk and renamed (`cellml.io.atomic`): killed at any moment, a part is done or it is not,
    and a part that is done is not begun again. suffix: of the files.
    """

    folder: Path
    suffix: str = ".npz"

    @classmethod
    def of(cls, work: Path, stage: str, asked: Mapping[str, Any], suffix: str = ".npz") -> Manifest:
        """The manifest of a stage in the folder of a run; asked: plain values, everything on which the answers depend."""
        folder = work / f"{stage}-{digest(asked)}"
        if not (folder / "asked.json").is_file():
            write_json(folder / "asked.json", dict(asked))
        return cls(folder, suffix)

    def path(self, key: int) -> Path:
        """The file of a part."""
        return self.folder / f"{key:08d}{self.suffix}"

    def done(self, key: int) -> bool:
        """Whether a part is done."""
        return self.path(key).is_file()

    def waiting(self, keys: Iterable[int]) -> list[int]:
        """The parts that are not done yet."""
        done = {entry.name for entry in os.scandir(self.folder)} if self.folder.is_dir() else set()
        return [key for key in keys if self.path(key).name not in done]

    def commit(self, key: int, write: Callable[[Path], object]) -> None:
        """Say that a part is done. write(path): makes the file; what it stands for must be on the disk before."""
        with atomic_path(self.path(key)) as aside:
            write(aside)

    def commit_arrays(self, key: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """As `commit`, with named arrays in the file."""

        def write(aside: Path) -> None:
            with aside.open("wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]

        self.commit(key, write)

    def read(self, key: int) -> dict[str, NDArray[Any]]:
        """The arrays of a part."""
        with np.load(self.path(key), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}


def digest(asked: Mapping[str, Any]) -> str:
    """Twelve digits that stand for plain values."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]
