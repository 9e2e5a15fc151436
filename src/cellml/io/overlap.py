"""Output that would destroy its own input."""

from __future__ import annotations

import os
from pathlib import Path

from cellml.errors import CellmlError
from cellml.io.location import locate


def require_apart(output: str | os.PathLike[str], *inputs: str | os.PathLike[str], key: str = "output", role: str = "the input") -> None:
    """Raise CellmlError if writing `output` would replace a file that is read: the same file, or the same array of it.

    key, role: what the message calls the two. A bare FILE.npz or FILE.h5 is replaced as a whole; FILE:NAME adds an array and keeps the
    rest, so that only an equal name is refused.
    """
    target = locate(output)
    for source in (locate(one) for one in inputs):
        if _real(target.path) == _real(source.path) and (target.member is None or target.member == source.member):
            named = f"{target.path}:labels" if target.path.suffix in (".npz", ".h5", ".hdf5") else "another name"
            raise CellmlError(f"{key}={output} would replace {role} {source.path}; write to another file, such as {named}.")


def _real(path: Path) -> Path:
    return path.resolve()
