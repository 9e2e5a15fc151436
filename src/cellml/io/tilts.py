"""Tilt series from files: whole, or row by row.

IMOD's conventions hold: a stack is (projection, Y, X) with row 0 at the bottom of the displayed image, x to the right, y upwards. Rows are
taken as they are stored; of TIFF and PNG stacks row 0 is displayed at the top, so that a volume reconstructed from them is a mirror image
of what IMOD makes of its converted MRC stack. The tilt axis is `axis_angle` degrees counter-clockwise from Y.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.io.location import locate, require
from cellml.io.region import checked_region
from cellml.io.tilt_frame import Angles, tilt_frame
from cellml.io.tilt_stack import TiltStack, open_stack
from cellml.io.tilt_values import checked_values
from cellml.types import TiltSeries


class TiltSource:
    """An open tilt series, read a few rows of all projections at a time. Use it as a context manager, or call `close`.

    shape: (N, Y, X) without what was excluded; series: the TiltSeries with everything but the values (zeros, no memory).
    """

    def __init__(self, stack: TiltStack, series: TiltSeries, kept: NDArray[np.int64], fill: bool) -> None:
        self._stack, self._kept, self._fill = stack, kept, fill
        self.series = series
        n, y, x = series.data.shape
        self.shape: tuple[int, int, int] = (n, y, x)

    def read(self, rows: slice | None = None) -> TiltSeries:
        """Rows (all where None) of all projections, as a TiltSeries of float32 (N, rows, X).

        Raises CellmlError for rows outside the images and for values that are not finite, naming projections and columns.
        """
        part = checked_region([rows or slice(None)], (self.shape[1],), axes="Y", where=self.series.name)[0]
        values = self._stack.rows(part)
        values = values if len(self._kept) == len(values) else values[self._kept]
        values = checked_values(np.asarray(values, np.float32), self.series.name, self._kept, fill=self._fill)
        return replace(self.series, data=values)

    def slabs(self, rows: int) -> Iterator[tuple[slice, TiltSeries]]:
        """The whole series in slabs of `rows` rows: (rows, TiltSeries)."""
        for start in range(0, self.shape[1], rows):
            part = slice(start, min(start + rows, self.shape[1]))
            yield part, self.read(part)

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def __enter__(self) -> TiltSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_tilts(
    path: str | os.PathLike[str],
    *,
    angles: Angles | None = None,
    axis_angle: float | None = None,
    pretilt: float = 0.0,
    pixel: float | None = None,
    exclude: Sequence[int] = (),
    fill: bool = False,
) -> TiltSource:
    """Open a tilt series: MRC (`.st`, `.ali`, `.mrc`) with `.tlt`, `.rawtlt` or `.mdoc` beside it, Data Exchange HDF5, or a TIFF stack.

    angles: degrees, or an angle file, where none stands beside the stack; axis_angle: degrees from Y to the tilt axis, counter-clockwise,
    in place of the mdoc's (an `.ali` has 0); pretilt: degrees added to every angle; pixel: nm, in place of the file's own; exclude: numbers
    of projections to leave out, counted from 0 as in IMOD's mdoc; fill: replace values that are not finite by those of the nearest good
    columns on both sides, linearly. Raises FileError for missing and damaged files, CellmlError where angles or pixel size are not
    known, the numbers do not match, or the series cannot be one (see TiltSeries); each with the remedy.
    """
    location = locate(path)
    require(location, folder=True)
    stack = open_stack(location, os.fspath(path))
    try:
        frame = tilt_frame(location.path, stack.shape[0], angles, axis_angle, stack.angles)
        size = _pixel(pixel, stack, frame.pixel, str(location))
        kept = _kept(exclude, stack.shape[0], str(location))
        empty = np.broadcast_to(np.float32(0), (len(kept), *stack.shape[1:]))
        doses = frame.doses[kept] if len(frame.doses) else frame.doses
        series = TiltSeries(empty, frame.angles[kept], size, frame.axis_angle, float(pretilt), doses, name=location.path.name)
    except BaseException:
        stack.close()
        raise
    return TiltSource(stack, series, kept, fill)


def read_tilts(
    path: str | os.PathLike[str],
    angles: Angles | None = None,
    axis_angle: float | None = None,
    pretilt: float = 0.0,
    pixel: float | None = None,
    *,
    exclude: Sequence[int] = (),
    fill: bool = False,
) -> TiltSeries:
    """Read a whole tilt series as float32. Arguments and errors as in `open_tilts`, and CellmlError for values that are not finite."""
    with open_tilts(path, angles=angles, axis_angle=axis_angle, pretilt=pretilt, pixel=pixel, exclude=exclude, fill=fill) as source:
        return source.read()


def _pixel(given: float | None, stack: TiltStack, noted: float | None, where: str) -> float:
    """Given, else the stack's, else the mdoc's."""
    if given is not None and not (isinstance(given, int | float) and np.isfinite(given) and given > 0):
        raise CellmlError(f"pixel={given!r} must be a positive number, the size of a pixel in nm.")
    for size in (given, stack.pixel, noted):
        if size is not None:
            return float(size)
    raise CellmlError(
        f"The pixel size of {where} is not known: {stack.missing}. Give it in nm, as in pixel=1.35 (cellml infer: "
        "spacing_nm=[1.35,1.35,1.35], cellml check: data.spacing_nm=[1.35,1.35,1.35])."
    )


def _kept(exclude: Sequence[int], count: int, where: str) -> NDArray[np.int64]:
    wrong = [number for number in exclude if not isinstance(number, int | np.integer) or not 0 <= number < count]
    if wrong:
        raise CellmlError(f"exclude={list(exclude)}: {where} has {count} projections, numbered from 0; there is no {wrong[0]}.")
    return np.setdiff1d(np.arange(count), np.asarray(exclude, dtype=np.int64))
