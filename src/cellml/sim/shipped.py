"""Models that come with cellml."""

from __future__ import annotations

from pathlib import Path

from cellml.config import conf_dir
from cellml.errors import FileError

_FOLDER = "sim"


def find_model(model: str | Path) -> Path:
    """The model file meant by a path or by the name of a shipped model, such as "diffusion".

    A file of that name wins. Raises FileError, listing the shipped models, if there is neither.
    """
    given = Path(model)
    if given.is_file():
        return given
    folder = conf_dir() / _FOLDER
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    if str(model) in names:
        return folder / f"{model}.yaml"
    raise FileError(f"There is no model file {given}; give the path of one, or the name of a shipped model: {', '.join(names)}.")
