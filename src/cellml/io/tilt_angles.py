"""Angle files of tilt series, as IMOD writes them: `.tlt` (as aligned) and `.rawtlt` (as the stage reported), one number a line."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.atomic import atomic_path
from cellml.io.location import Location, require

_log = logging.getLogger(__name__)


def read_angles(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """Angles (N,) in degrees, one a projection, from a text file: numbers parted by line ends, blanks or commas; `#` starts a comment.

    Raises FileError for a missing or empty file and for anything that is no number, naming the line.
    """
    where = Path(path).expanduser()
    require(Location(where))
    angles: list[float] = []
    text = where.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        angles += [_number(word, where, number) for word in line.split("#")[0].replace(",", " ").split()]
    if not angles:
        raise FileError(f"{where} holds no angles; it should hold one number in degrees a line, one for each projection.")
    found = np.asarray(angles)
    if len(found) > 10 and np.abs(found).max() <= np.pi and np.ptp(found) > 0.5:
        _log.warning("%s: all %d angles lie within ±%.2f; radians? cellml takes degrees.", where, len(found), np.abs(found).max())
    return found


def _number(word: str, where: Path, line: int) -> float:
    try:
        value = float(word)
    except ValueError:
        raise FileError(f"{where}, line {line}: {word[:40]!r} is no number; an angle file holds one angle in degrees a line.") from None
    if not np.isfinite(value):
        raise FileError(f"{where}, line {line}: the angle is {word}; an angle file holds one finite angle in degrees a line.")
    return value


def write_angles(path: str | os.PathLike[str], angles: Sequence[float] | NDArray[np.float64]) -> None:
    """Write angles (N,) in degrees as IMOD does, one a line. Raises FileError if the place cannot be written."""
    with atomic_path(path) as aside:
        aside.write_text(angles_text(angles), encoding="ascii")


def angles_text(angles: Sequence[float] | NDArray[np.float64]) -> str:
    """The text of an angle file: four decimals, one angle a line."""
    return "".join(f"{float(angle):9.4f}\n" for angle in angles)
