"""Figures in files that a user names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cellml.errors import FileError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")


def require_figure(path: str | Path | None) -> None:
    """Raise FileError for a name that ends in none of `SUFFIXES`: before anything is computed, not after. None is no figure."""
    if path is not None and Path(path).suffix.lower() not in SUFFIXES:
        raise FileError(f"figure={path}: figures are written as {', '.join(SUFFIXES)}; give a name that ends so.")


def write_figure(figure: Figure, path: str | Path, *, dpi: int = 130) -> None:
    """Write a figure atomically, in the format of its suffix. Raises FileError for another suffix, or where it cannot be written."""
    from cellml.io.atomic import atomic_path

    require_figure(path)
    with atomic_path(path) as aside:
        figure.savefig(aside, dpi=dpi)
