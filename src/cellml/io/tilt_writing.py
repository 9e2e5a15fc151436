"""Tilt series to files: the stack, and what IMOD reads beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from cellml.errors import CellmlError
from cellml.io.atomic import atomic_path
from cellml.io.location import locate
from cellml.io.mdoc import mdoc_text
from cellml.io.sink import ArraySink, create_array
from cellml.io.tilt_angles import angles_text
from cellml.io.tilt_frame import is_aligned_name, stem
from cellml.types import TiltSeries


@contextmanager
def create_tilts(
    path: str | os.PathLike[str], series: TiltSeries, *, dtype: DTypeLike = np.float32, mdoc: bool = False
) -> Iterator[ArraySink]:
    """A stack to be written block by block with `.write((slice(None), rows, slice(None)), block)`; all files appear together at the end.

    series: shape, angles, pixel size and axis; its values are not looked at. Beside `NAME.st` (or .mrc, .ali, .tif …) stand `NAME.tlt`
    with the tilts, pre-tilt included; with a pre-tilt `NAME.rawtlt` with the angles of the stage; and, where `mdoc` asks for it, the
    axis is not along Y or doses are known, `NAME.st.mdoc`. Raises CellmlError for an `.ali` whose axis is not along Y, FileError as
    `create_array`.
    """
    location = locate(path)
    if is_aligned_name(location.path) and series.axis_angle != 0:
        raise CellmlError(
            f"{location.path} would be an aligned stack, whose tilt axis is along Y, but the axis of {series.name!r} is at "
            f"{series.axis_angle:g}°; rotate it first (cellml.tomography.axis.axis_along_y), or write a .st."
        )
    base, beside = location.path.parent / stem(location.path), {}
    beside[Path(f"{base}.tlt")] = angles_text(series.tilts)
    if series.pretilt:
        beside[Path(f"{base}.rawtlt")] = angles_text(series.angles)
    if mdoc or series.axis_angle or len(series.doses):
        beside[location.path.with_name(f"{location.path.name}.mdoc")] = mdoc_text(series, location.path.name)
    with ExitStack() as stack:
        for name, text in beside.items():
            stack.enter_context(atomic_path(name)).write_text(text, encoding="utf-8")
        # The third length is no distance, but a volume's header wants one; IMOD writes the pixel size there as well.
        yield stack.enter_context(
            create_array(path, shape=series.data.shape, dtype=dtype, spacing=(series.pixel,) * 3, name=series.name.split(".")[0])
        )


def write_tilts(series: TiltSeries, path: str | os.PathLike[str], *, mdoc: bool = False) -> None:
    """Write a tilt series and its angles. Files and errors as in `create_tilts`; integers and float32 keep their type."""
    dtype = np.dtype(np.float32) if series.data.dtype.kind == "f" and series.data.dtype.itemsize > 4 else series.data.dtype
    with create_tilts(path, series, dtype=dtype, mdoc=mdoc) as sink:
        sink.write(None, series.data.astype(dtype, copy=False))
