"""Projections on disk, read a few rows of all of them at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.data_exchange import FEWER, DataExchange, is_data_exchange
from cellml.io.formats import format_of, wrong_content
from cellml.io.header import Stored
from cellml.io.location import Location
from cellml.io.region import require_room
from cellml.memory import too_large


@dataclass(frozen=True)
class TiltStack:
    """An open stack. shape: (N, Y, X); rows: reads rows (N, rows, X) of all projections; close: closes the file.

    pixel: nm, or None with the reason in `missing`; angles: (N,) degrees where the file itself holds them.
    """

    shape: tuple[int, int, int]
    rows: Callable[[slice], NDArray[Any]]
    close: Callable[[], None]
    pixel: float | None = None
    missing: str = ""
    angles: NDArray[np.float64] | None = None


def open_stack(location: Location, text: str) -> TiltStack:
    """Open a stack of projections: HDF5 of Data Exchange by its own rules, everything else as images of `cellml.io`.

    text: what the user wrote, whose final slash marks a folder of images. Raises FileError for damaged files and other shapes.
    """
    if location.member is None and is_data_exchange(location.path):
        file = _reading(location, "HDF5", lambda: DataExchange(location.path))

        def rows(part: slice) -> NDArray[Any]:
            return np.asarray(_reading(location, "HDF5", lambda: file.rows(part)))

        return TiltStack(file.shape, rows, file.close, missing="Data Exchange files hold none", angles=file.angles)
    form = format_of(location, text=text)
    with ExitStack() as stack:
        stored = _reading(location, form.FORM, lambda: stack.enter_context(form.open_stored(location, "raw")))
        found = _images(stored, location, form.FORM, stack.pop_all())
    return found


def _images(stored: Stored, location: Location, form: str, stack: ExitStack) -> TiltStack:
    """A three-dimensional image of any format, its first axis taken as the number of the projection."""
    header = stored.header
    try:
        kept = _three(header.shape, header.axes, header.dtype, location)
        pixel, missing = _square(header.spacing, header.missing)
    except BaseException:
        stack.close()
        raise
    n, y, x = (header.shape[axis] for axis in kept)

    def rows(part: slice) -> NDArray[Any]:
        index = [slice(None)] * len(header.shape)
        index[kept[1]] = part
        require_room(stored.array, header.shape, header.dtype, index, location, remedy=FEWER)
        block = np.asarray(_reading(location, form, lambda: stored.array[tuple(index)])).reshape(n, -1, x)
        return np.array(block, dtype=block.dtype.newbyteorder("="), order="C", copy=True)

    return TiltStack((n, y, x), rows, stack.close, pixel, missing)


def _square(spacing: tuple[float, float, float] | None, missing: str) -> tuple[float | None, str]:
    """Pixel size in nm from a header's voxel size, whose first number says nothing here; None where the other two differ."""
    if spacing is None:
        return None, missing
    _, height, width = spacing
    if not np.isclose(height, width, rtol=1e-3):
        return None, f"its pixels are {height:g} × {width:g} nm (y, x), and projections need square ones"
    return width, ""


def _three(shape: tuple[int, ...], axes: str, dtype: np.dtype[Any], location: Location) -> tuple[int, int, int]:
    """The stored dimensions that are projection, y and x. Raises FileError, with the shape, where there are not three in that order."""
    if dtype.kind not in "iuf":
        raise FileError(f"{location} holds {dtype} values; projections are real numbers (integers or floats).")
    kept = [axis for axis, size in enumerate(shape) if size > 1 or axis >= len(shape) - 3]
    if len(kept) > 3:
        kept = [axis for axis in kept if shape[axis] > 1]
    if len(kept) != 3 or 0 in shape:
        raise FileError(f"{location} has shape {shape}; a tilt series is a stack (projection, y, x), and one image has no depth in it.")
    letters = [axes[axis] for axis in kept] if len(axes) == len(shape) else []
    if letters and letters[1:] != ["Y", "X"]:
        raise FileError(f"{location} has the axes {axes}; a tilt series is stored as (projection, Y, X).")
    return (kept[0], kept[1], kept[2])


def _reading(location: Location, form: str, read: Callable[[], Any]) -> Any:
    """Read, and turn what a format's library raises for damaged data into a FileError."""
    try:
        return read()
    except CellmlError:
        raise
    except MemoryError as error:
        raise too_large(location) from error
    except Exception as error:  # each library has its own exceptions for damaged files
        raise wrong_content(location.path, form, error) from error
