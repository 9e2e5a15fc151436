"""Arrays that are written block by block, and appear when they are complete."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.atomic import atomic_path
from cellml.io.formats import Format, format_of
from cellml.io.header import AXES, ImageHeader, WritableArray, given_spacing, triple
from cellml.io.location import Location, locate
from cellml.io.region import Region, checked_region, reordered
from cellml.io.storage import fitting


class ArraySink:
    """A file in the making. Use it as a context manager: the file appears on normal exit, and never after an exception.

    axes, shape: as asked for; dtype: as the format stores it.
    """

    def __init__(self, location: Location, form: Format, header: ImageHeader, options: Mapping[str, Any]) -> None:
        self._location, self._form, self._options = location, form, dict(options)
        self._stored = form.check_target(location, header, **self._options)
        self.path: Path = location.path
        self.axes, self.shape, self.dtype = header.axes, header.shape, self._stored.dtype
        self._stack = ExitStack()
        self._array: WritableArray | None = None

    def __enter__(self) -> ArraySink:
        with ExitStack() as stack:
            aside = stack.enter_context(atomic_path(self.path, needed=self._stored.nbytes))
            self._array = stack.enter_context(self._form.create(aside, self._location, self._stored, **self._options))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> bool | None:
        self._array = None
        return self._stack.__exit__(*error)

    def write(self, region: Region | None, block: NDArray[Any]) -> None:
        """Write a block; region: slices (z, y, x), or one for each axis, None for all; block: the shape of the region.

        Raises CellmlError for a region outside the array or a block of another shape, FileError for values that do not fit the type.
        """
        index = checked_region(region, self.shape, axes=self.axes, where=self._location)
        expected = tuple(part.stop - part.start for part in index)
        if np.shape(block) != expected:
            raise CellmlError(f"A block of shape {np.shape(block)} does not fill the region {expected} ({self.axes}) of {self._location}.")
        stored = reordered(fitting(block, self.dtype, path=self._location), self.axes, self._stored.axes)
        self._open_array()[self._index(index)] = stored

    def read(self, region: Region | None = None) -> NDArray[Any]:
        """What was written so far, zero elsewhere; region as in `write`, the result in the order of `axes`."""
        index = checked_region(region, self.shape, axes=self.axes, where=self._location)
        return np.array(reordered(np.asarray(self._open_array()[self._index(index)]), self._stored.axes, self.axes))

    def _index(self, index: tuple[slice, ...]) -> tuple[slice, ...]:
        parts = dict(zip(self.axes, index, strict=True))
        return tuple(parts.get(axis, slice(0, 1)) for axis in self._stored.axes)

    def _open_array(self) -> WritableArray:
        if self._array is None:
            raise CellmlError(f"{self._location} is not open: write to it inside `with create_array(...) as sink:`.")
        return self._array


def create_array(
    path: str | os.PathLike[str],
    *,
    shape: Sequence[int],
    dtype: DTypeLike,
    spacing: Sequence[float],
    origin: Sequence[float] = (0.0, 0.0, 0.0),
    axes: str = "ZYX",
    channels: Sequence[str] = (),
    name: str = "",
    kind: str | None = None,
    names: Mapping[int, str] | None = None,
    **options: Any,
) -> ArraySink:
    """Make a file to be written block by block, with zeros where nothing is written.

    path: a file, FILE:NAME (which adds to an existing .npz, .h5 or .zarr) or a folder for slices, ending in "/"; shape, axes: one letter
    of TCZYX for each length; spacing, origin: (z, y, x) in nm; channels, name, kind, names: as in Volume and Labels, kept where
    the format can. Memory stays bounded by the blocks. options: of the format (OME-Zarr: version="0.4" or "0.5").
    Raises FileError, before anything is written, if the format cannot hold such an array.
    """
    location = locate(path)
    kind_of_number = np.dtype(dtype)
    _check(location, kind_of_number, tuple(shape), axes, kind)
    start = triple(origin)
    if start is None:
        raise CellmlError(f"The origin of {location} must be three finite numbers (z, y, x) in nm; got {origin!r}.")
    header = ImageHeader(
        shape=tuple(int(size) for size in shape),
        dtype=kind_of_number,
        axes=axes,
        spacing=given_spacing(spacing),
        origin=start,
        channels=tuple(channels),
        name=name,
        kind=kind,
        names=dict(names or {}),
    )
    form = format_of(location, text=os.fspath(path))
    unknown = set(options) - set(getattr(form, "OPTIONS", ()))
    if unknown:
        raise FileError(f"{form.FORM} has no option {', '.join(sorted(unknown))}; {location} was not written.")
    return ArraySink(location, form, header, options)


def _check(location: Location, dtype: np.dtype[Any], shape: tuple[int, ...], axes: str, kind: str | None) -> None:
    """Raise CellmlError for axes, lengths and number types that no format holds."""
    order = "".join(axis for axis in AXES if axis in axes)
    if order != axes or not axes.endswith("ZYX") or len(shape) != len(axes) or min(shape, default=0) < 1:
        raise CellmlError(
            f"{location} needs axes ZYX, CZYX, TZYX or TCZYX and a positive length for each; got axes {axes!r}, shape {shape}."
        )
    if dtype.kind not in "biuf":
        raise FileError(f"{location} cannot hold {dtype} voxels: cellml stores real numbers (integers or floats).")
    if kind is not None and dtype.kind not in "biu":
        raise CellmlError(f"{location} is to hold labels, which are integers; got {dtype}.")
