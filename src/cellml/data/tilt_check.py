"""`cellml check` on a tilt series: its frame, and what is wrong with it in order of harm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.finding import Finding, in_order_of_harm, listed
from cellml.errors import CellmlError

if TYPE_CHECKING:
    from rich.console import Console

    from cellml.types import TiltSeries

_NARROW = 90.0  # degrees from the first to the last tilt, below which little depth is resolved
_GAP = 2.5  # times the median step
_DARK = 0.1  # of the median projection's standard deviation


def check_tilts(path: Any, spacing_nm: Sequence[float] | None, console: Console) -> list[Finding]:
    """Read a tilt series and its angles, print its frame, and return the findings.

    spacing_nm: whose last number is the pixel size in nm where the file does not say it. Raises CellmlError where the series cannot be one:
    angles that do not match, repeat or span nothing, one projection, no pixel size.
    """
    from cellml.io import open_tilts
    from cellml.tomography.slabs import preview

    with (
        console.status("Looking at every projection"),
        open_tilts(path, pixel=None if spacing_nm is None else float(spacing_nm[-1])) as tilts,
    ):
        frame = tilts.series
        (count, height, width), angles = frame.data.shape, frame.tilts
        console.print(
            f"{path}: {count} projections of {height} × {width} pixels (y, x) of {frame.pixel:g} nm, tilts from {angles.min():g}° to "
            f"{angles.max():g}°, axis at {frame.axis_angle:g}° from Y",
            highlight=False,
        )
        try:
            series = preview(tilts)
        except CellmlError as error:  # its words name projections, columns and the remedy
            what, _, remedy = str(error).partition(". ")
            return [Finding("fatal", what, "", remedy)]
    return in_order_of_harm(tilt_findings(series))


def tilt_findings(series: TiltSeries) -> Iterator[Finding]:
    """What is wrong with a series, of which a binned copy (`cellml.tomography.slabs.preview`) is enough.

    Looked for are constant and blank projections, a wrong axis, angles in another order than the projections, gaps and a narrow range.
    """
    spread = series.data.std(axis=(1, 2), dtype=np.float64)
    blank = np.flatnonzero(spread <= _DARK * np.median(spread))
    if len(blank) == len(spread) or not spread.any():
        yield Finding("fatal", "The projections are constant", "", "There is nothing to see in them: was the right file named?")
        return
    if len(blank):
        remedy = f"Leave them out: exclude={blank[:12].tolist()} of cellml align and cellml reconstruct."
        yield Finding(
            "warning", f"{len(blank)} projections are blank or nearly so", f"projections {listed(blank.tolist())}", remedy, harm=0.7
        )
    yield from _of_geometry(series)
    yield from _of_angles(np.sort(series.tilts))


def _of_geometry(preview: TiltSeries) -> Iterator[Finding]:
    """What `cellml.tomography.doubts` has to say."""
    from cellml.tomography.doubts import doubts

    for rank, doubt in enumerate(doubts(preview)):
        what, _, remedy = doubt.partition(". Give ")
        yield Finding("warning", what, "", f"Give {remedy}", harm=1.0 - 0.1 * rank)


def _of_angles(tilts: NDArray[np.float64]) -> Iterator[Finding]:
    """Gaps and the range of tilts (N,) in ascending order, degrees."""
    steps = np.diff(tilts)
    span, usual = float(tilts[-1] - tilts[0]), float(np.median(steps))
    if span < _NARROW:
        remedy = "Little depth is resolved; is an angle file cut off, or in radians?"
        yield Finding("warning", f"The tilts span {span:g}° only", f"{tilts[0]:g}° to {tilts[-1]:g}°", remedy, harm=0.6)
    wide = np.flatnonzero(steps > _GAP * usual)
    if len(wide):
        gaps = listed([f"{tilts[i]:g}° to {tilts[i + 1]:g}°" for i in wide])
        remedy = "Were projections dropped, or an angle mistyped? method=wbp_exact weighs uneven tilts by what they measure."
        yield Finding("note", f"There are gaps of more than {_GAP:g} usual steps ({usual:g}°)", gaps, remedy)
