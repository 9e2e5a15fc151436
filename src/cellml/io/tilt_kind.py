"""Whether a file is a tilt series or a volume: both are stacks, and neither format nor header says which."""

from __future__ import annotations

import os

from cellml.errors import CellmlError
from cellml.io.location import locate
from cellml.io.tilt_angles import read_angles
from cellml.io.tilt_frame import is_tilt_file, stem
from cellml.io.tilt_stack import open_stack


def is_tilt_series(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a tilt series: by `is_tilt_file`, or as a stack of as many images as the angle file of its name has angles."""
    if is_tilt_file(str(path)):
        return True
    location = locate(str(path))
    beside = [location.path.parent / f"{stem(location.path)}{suffix}" for suffix in (".tlt", ".rawtlt")]
    angles = next((place for place in beside if place.is_file()), None)
    if angles is None or not location.path.is_file():
        return False
    try:
        stack = open_stack(location, str(path))
        stack.close()
        return stack.shape[0] == len(read_angles(angles))
    except CellmlError:  # what is wrong with it is told where it is read as what it is
        return False


def require_volume_file(path: str | os.PathLike[str]) -> None:
    """Raise CellmlError where a volume is expected and `is_tilt_series` says that this is none."""
    if is_tilt_series(path):
        raise CellmlError(
            f"{path} is a tilt series (by its suffix, or by the .mdoc or the angle file beside it that fits it), where a volume is "
            f"expected. Reconstruct it first (cellml reconstruct input={path} output=volume.mrc), or, if it is a volume, name it .mrc and "
            "keep it apart from that file."
        )
