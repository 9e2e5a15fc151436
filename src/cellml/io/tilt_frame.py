"""What stands beside a tilt stack: angles, tilt axis, pixel size and doses, from `.tlt`, `.rawtlt` and `.mdoc` files."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.io.mdoc import Mdoc, read_mdoc
from cellml.io.tilt_angles import read_angles

Angles = str | os.PathLike[str] | Sequence[float] | NDArray[np.float64]
_ALIGNED = re.compile(r"(\.ali|_ali\.mrc)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class TiltFrame:
    """angles: (N,) degrees; axis_angle: degrees; pixel: nm, or None where nothing beside the stack says; doses: (N,) or empty."""

    angles: NDArray[np.float64]
    axis_angle: float = 0.0
    pixel: float | None = None
    doses: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def tilt_frame(path: Path, count: int, angles: Angles | None, axis_angle: float | None, stored: NDArray[np.float64] | None) -> TiltFrame:
    """The frame of a stack of `count` projections.

    angles: given by the user (numbers or an angle file), which goes first; then those `stored` in the stack's own file; then `.tlt`,
    `.rawtlt` and `.mdoc` of the same name. axis_angle: given, or of the mdoc; 0 for IMOD's aligned stacks (`.ali`, `_ali.mrc`), whose
    axis is along Y whatever the mdoc of the raw stack says. Raises CellmlError where nothing gives angles or their number is not `count`.
    """
    note = _mdoc_beside(path)
    found, source = _angles(path, angles, stored, note)
    if len(found) != count:
        raise CellmlError(
            f"{path} has {count} projections but {source} has {len(found)} angles; give one angle in degrees for each projection, "
            "and leave out the angles of projections that were dropped (angles=FILE.tlt names another file)."
        )
    axis = axis_angle
    if axis is None:
        axis = 0.0 if note is None or note.axis_angle is None or _ALIGNED.search(path.name) else note.axis_angle
    doses = note.doses if note is not None and len(note.doses) == count else np.zeros(0)
    return TiltFrame(found, float(axis), None if note is None else note.pixel, doses)


def is_aligned_name(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name says, by IMOD's custom, that its tilt axis is along Y."""
    return _ALIGNED.search(Path(path).name) is not None


def is_tilt_file(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a tilt series: `.st`, `.ali` and `_ali.mrc` by their names, others by an mdoc of the stack beside them."""
    place = Path(path).expanduser()
    named = place.suffix.lower() in (".st", ".ali") or is_aligned_name(place)
    return (named and not place.is_dir()) or (place.is_file() and place.with_name(f"{place.name}.mdoc").is_file())


def stem(path: Path) -> str:
    """The name that a stack shares with its angle files: without suffix and without IMOD's `_ali` or `_preali`."""
    name = re.sub(r"(\.ome\.tiff?|\.[^.]+)\Z", "", path.name, flags=re.IGNORECASE)
    return name if (path.parent / f"{name}.tlt").exists() else re.sub(r"_(pre)?ali\Z", "", name)


def _angles(path: Path, given: Angles | None, stored: NDArray[np.float64] | None, note: Mdoc | None) -> tuple[NDArray[np.float64], str]:
    if isinstance(given, str | os.PathLike):
        where = Path(given)
        return (read_mdoc(where).angles if where.suffix.lower() == ".mdoc" else read_angles(where)), str(where)
    if given is not None:
        try:
            return np.asarray(given, dtype=np.float64).reshape(-1), "angles=[…]"
        except (TypeError, ValueError):
            raise CellmlError(f"angles={given!r} must be numbers in degrees, or the name of an angle file.") from None
    if stored is not None:
        return stored, "its own record"
    for suffix in (".tlt", ".rawtlt"):
        beside = path.parent / f"{stem(path)}{suffix}"
        if beside.is_file():
            return read_angles(beside), str(beside)
    if note is not None:
        return note.angles, "its mdoc"
    raise CellmlError(
        f"The tilt angles of {path} are not known: there is no {stem(path)}.tlt, .rawtlt or .mdoc beside it. Give angles=FILE "
        "with one angle in degrees a line, or angles=[…]. A volume that was reconstructed already is no tilt series and has none."
    )


def _mdoc_beside(path: Path) -> Mdoc | None:
    base = stem(path)
    for name in (f"{path.name}.mdoc", f"{base}.mdoc", f"{base}.st.mdoc", f"{base}.mrc.mdoc"):
        if (path.parent / name).is_file():
            return read_mdoc(path.parent / name)
    return None
