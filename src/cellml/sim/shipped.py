"""Models that come with cellml."""

from __future__ import annotations

from pathlib import Path

from cellml.config import conf_dir
from cellml.errors import FileError

_FOLDER = "sim"


def shipped_models() -> tuple[str, ...]:
    """Names of the models that come with cellml, in alphabetical order."""
    return tuple(sorted(path.stem for path in (conf_dir() / _FOLDER).glob("*.yaml")))


def find_model(model: str | Path) -> Path:
    """The model file meant by a path or by the name of a shipped model, such as "diffusion".

    A file of that name wins. Raises FileError, listing the shipped models, if there is neither.
    """
    given = Path(model)
    if given.is_file():
        return given
    if str(model) in shipped_models():
        return conf_dir() / _FOLDER / f"{model}.yaml"
    raise FileError(f"There is no model file {given}; give the path of one, or the name of a shipped model: {', '.join(shipped_models())}.")
