"""Which rows of a study's results are of which checkpoint: `models.json` in the study's folder, where somebody wrote it."""

from __future__ import annotations

import json
from pathlib import Path

from cellml.errors import FileError

FILE = "models.json"


def own_rows(checkpoint: Path) -> tuple[str, ...] | None:
    """Beginnings of the names of the rows that are of this checkpoint alone, () for one that has none; None where nobody says.

    The file is an object: {"model.ckpt": ["mito_one_network_"], "second.ckpt": [], …}. Raises FileError for a file of another kind.
    """
    path = checkpoint.parent / FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if checkpoint.name not in content and isinstance(content, dict):
            return None
        found = content[checkpoint.name]
        if not isinstance(found, list) or not all(isinstance(name, str) and name for name in found):
            raise TypeError(f"{checkpoint.name} has {found!r}")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise FileError(f'{path} must hold an object of lists, {{"model.ckpt": ["beginning of a row\'s name"]}} ({error}).') from error
    return tuple(found)


def neighbours(checkpoint: Path) -> list[str]:
    """Names of the other checkpoints in the folder, sorted."""
    return sorted(path.name for path in checkpoint.parent.glob("*.ckpt") if path.name != checkpoint.name)
