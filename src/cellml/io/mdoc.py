"""`.mdoc` files: what SerialEM and Tomography 5 note about each image of a stack, in IMOD's autodoc format."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.location import Location, require
from cellml.types import TiltSeries

_SECTION = re.compile(r"\[\s*(\w+)\s*=\s*(.*?)\s*\]\s*\Z")
_ENTRY = re.compile(r"(\w+)\s*=\s*(.*?)\s*\Z")
_TITLE_AXIS = re.compile(r"tilt\s*axis\s*angle\s*=\s*([-+\d.eE]+)", re.IGNORECASE)
_IMAGES = ("ZValue", "Image", "FrameSet")


@dataclass(frozen=True)
class Mdoc:
    """What an mdoc says of a tilt series.

    angles: (N,) in degrees, in the order of the stack; doses: (N,) electrons/Å² of each exposure, empty where not all are known; pixel: nm
    or None; axis_angle: degrees from Y to the tilt axis, counter-clockwise, or None.
    """

    angles: NDArray[np.float64]
    doses: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    pixel: float | None = None
    axis_angle: float | None = None


def read_mdoc(path: str | os.PathLike[str]) -> Mdoc:
    """Read an mdoc.

    The tilt axis is taken from the title "Tilt axis angle = …" or the key TiltAxisAngle, both measured from the image's Y axis, else from
    RotationAngle − 90°, for SerialEM measures that one from the X axis. Raises FileError where an image has no TiltAngle, a value is no
    number, or there are no images.
    """
    where = Path(path).expanduser()
    require(Location(where))
    head, titles, images = _sections(where)
    if not images:
        raise FileError(f"{where} describes no images: it has no [ZValue = …] section.")
    angles = [_value(image, "TiltAngle", where, number) for number, image in enumerate(images)]
    lacking = [number for number, angle in enumerate(angles) if angle is None]
    if lacking:
        raise FileError(f"{where} gives no TiltAngle for image {', '.join(map(str, lacking[:5]))} of {len(images)}; give angles=FILE.tlt.")
    doses = [_value(image, "ExposureDose", where, number) for number, image in enumerate(images)]
    known = [dose for dose in doses if dose is not None and dose > 0]
    spacing = _value(head, "PixelSpacing", where) or _value(images[0], "PixelSpacing", where, 0)
    return Mdoc(
        np.asarray(angles, dtype=float),
        np.asarray(known if len(known) == len(images) else []),
        spacing / 10 if spacing else None,
        _axis(head, titles, images, where),
    )


def mdoc_text(series: TiltSeries, image_file: str) -> str:
    """The text of an mdoc for a tilt series: pixel size, tilt axis as a title, and the angle (and dose) of each projection."""
    _, y, x = series.data.shape
    lines = [f"PixelSpacing = {series.pixel * 10:g}", f"ImageFile = {image_file}", f"ImageSize = {x} {y}", ""]
    lines += [f"[T = Tilt axis angle = {series.axis_angle:.4f}, binning = 1  spot = 0  camera = 0]", ""]
    for number, angle in enumerate(series.angles):
        lines += [f"[ZValue = {number}]", f"TiltAngle = {angle:.6g}", f"PixelSpacing = {series.pixel * 10:g}"]
        lines += [f"ExposureDose = {series.doses[number]:.6g}"] if len(series.doses) else []
        lines += [f"RotationAngle = {(series.axis_angle + 90 + 180) % 360 - 180:.6g}", ""]
    return "\n".join(lines)


def _sections(where: Path) -> tuple[dict[str, str], list[str], list[dict[str, str]]]:
    """Global entries, titles, and the entries of each image in the order of its number."""
    head: dict[str, str] = {}
    titles: list[str] = []
    images: list[tuple[float, dict[str, str]]] = []
    current: dict[str, str] | None = head
    for line in where.read_text(encoding="utf-8", errors="replace").splitlines():
        section = _SECTION.match(line.strip())
        entry = _ENTRY.match(line.strip())
        if section and section[1] == "T":
            titles.append(section[2])
        elif section:
            current = {} if section[1] in _IMAGES else None
            if current is not None:
                images.append((float(section[2]) if section[2].isdigit() else float(len(images)), current))
        elif entry and current is not None:
            current[entry[1]] = entry[2]
    return head, titles, [entries for _, entries in sorted(images, key=lambda image: image[0])]


def _axis(head: Mapping[str, str], titles: list[str], images: list[dict[str, str]], where: Path) -> float | None:
    for title in titles:
        found = _TITLE_AXIS.search(title)
        if found:
            return _value({"Tilt axis angle": found[1]}, "Tilt axis angle", where)
    for entries in (head, images[0]):
        axis = _value(entries, "TiltAxisAngle", where)
        if axis is not None:
            return axis
    rotation = _value(images[0], "RotationAngle", where, 0)
    return None if rotation is None else (rotation - 90 + 180) % 360 - 180


def _value(entries: Mapping[str, str], key: str, where: Path, image: int | None = None) -> float | None:
    if key not in entries:
        return None
    try:
        return float(entries[key])
    except ValueError:
        of = "" if image is None else f" of image {image}"
        raise FileError(f"{where}: {key}{of} is {entries[key]!r}, which is no number.") from None
