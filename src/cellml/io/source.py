"""Open images: their frame at once, their voxels when asked for."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io import remote
from cellml.io.formats import format_of, wrong_content
from cellml.io.header import AXES, ImageHeader, Stored, given_spacing
from cellml.io.location import Location, locate, require
from cellml.io.region import Region, checked_region, reordered, require_room
from cellml.io.remote import is_remote, locate_remote
from cellml.memory import too_large
from cellml.types import Triple

_log = logging.getLogger(__name__)
_SMALLER = "Read a region of it, or predict it block by block (cellml blockwise)."


class ImageSource:
    """An open image, read region by region. Use it as a context manager, or call `close`.

    axes: "ZYX", "CZYX", "TZYX" or "TCZYX"; shape: voxels along (z, y, x), as in Volume; full_shape: one length for each of `axes`;
    dtype: as stored, in native byte order; spacing, origin: (z, y, x) in nm; channels: a name for each entry of the C axis (empty
    without one); kind and names: as in Labels, where the file says so; frames: length of the T axis, 1 without one.
    """

    def __init__(
        self, location: Location, stored: Stored, *, stack: ExitStack, spacing_nm: Any, spacing_key: str, axes: str | None, form: str
    ) -> None:
        self._location, self._stored, self._stack, self._form = location, stored, stack, form
        header = stored.header
        self._stored_axes, self.axes = _axes(header, axes, location)
        lengths = dict(zip(self._stored_axes, header.shape, strict=True))
        self.full_shape = tuple(lengths.get(axis, 1) for axis in self.axes)
        self.shape: tuple[int, int, int] = (self.full_shape[-3], self.full_shape[-2], self.full_shape[-1])
        self.dtype = header.dtype.newbyteorder("=")
        self.spacing = _spacing(header, spacing_nm, location, spacing_key)
        self.origin: Triple = header.origin or (0.0, 0.0, 0.0)
        self.channels = self._channels(header)
        self.name = header.name or location.member or location.path.name.split(".")[0]
        self.kind, self.names = header.kind, dict(header.names)

    @property
    def frames(self) -> int:
        """Length of the T axis, 1 where there is none."""
        return self.full_shape[0] if self.axes[0] == "T" else 1

    def read(self, region: Region | None = None, *, frame: int | None = None) -> NDArray[Any]:
        """Voxels of a region, in the order of `axes`; a copy, in native byte order.

        region: slices (z, y, x), None for all; C and T come whole, except that `frame` picks one time and drops the T axis. Raises
        CellmlError for a region or frame outside the image and FileError where the file turns out to be damaged.
        """
        parts = dict(zip("ZYX", checked_region(region, self.shape, axes="ZYX", where=self._location), strict=True))
        if frame is not None:
            if not 0 <= frame < self.frames:
                raise CellmlError(f"{self._location} has {self.frames} time frames, numbered from 0; there is no frame {frame}.")
            parts["T"] = slice(frame, frame + 1)
        index = tuple(parts.get(axis, slice(None)) for axis in self._stored_axes)
        require_room(self._stored.array, self._stored.header.shape, self.dtype, index, self._location, remedy=_SMALLER)
        try:
            read = self._stored.array[index]
            block = np.asarray(read)
        except CellmlError:
            raise
        except MemoryError as error:
            raise too_large(self._location) from error
        except Exception as error:  # each library has its own exceptions for damaged data
            raise wrong_content(self._location.path, self._form, error) from error
        block = reordered(block, self._stored_axes, self.axes)
        own = type(read) is np.ndarray and read.base is None  # made for this region, so that it need not be there twice
        block = np.array(block, dtype=block.dtype.newbyteorder("="), order="C", copy=None if own else True)
        return block[0] if frame is not None and self.axes[0] == "T" else block

    def _channels(self, header: ImageHeader) -> tuple[str, ...]:
        if "C" not in self.axes:
            return ()
        count = self.full_shape[self.axes.index("C")]
        return header.channels if len(header.channels) == count else tuple(f"channel {i}" for i in range(count))

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def __enter__(self) -> ImageSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_image(
    spec: str | os.PathLike[str], *, spacing_nm: Any = None, axes: str | None = None, usual: str = "raw", spacing_key: str = "spacing_nm"
) -> ImageSource:
    """Open an image for reading in regions.

    spec: a file, FILE:NAME, a folder of slices, or the https:// or s3:// address of a .zarr store; spacing_nm: voxel size (z, y, x) in nm,
    which goes before the file's own; axes: what the stored dimensions are, a letter of TCZYX each, where the file does not say or says it
    wrongly ("YX" makes a volume of one slice of a 2D image); usual: the array to take from a file that holds several, where none is named;
    spacing_key: what the user types to give the voxel size, as messages call it. Raises FileError for missing, damaged and unknown files
    and CellmlError for a missing voxel size or unknown axes, each with the remedy.
    """
    location, form = _found(spec)
    with ExitStack() as stack:
        try:
            stored = stack.enter_context(form.open_stored(location, usual))
        except CellmlError:
            raise
        except MemoryError as error:
            raise too_large(location) from error
        except Exception as error:  # each library has its own exceptions for damaged files
            raise wrong_content(location.path, form.FORM, error) from error
        _check_numbers(stored.header, location)
        keep = stack.pop_all()
        try:
            frame = {"spacing_nm": spacing_nm, "spacing_key": spacing_key, "axes": axes}
            return ImageSource(location, stored, stack=keep, form=form.FORM, **frame)
        except BaseException:
            keep.close()
            raise


def _found(spec: str | os.PathLike[str]) -> tuple[Location, Any]:
    """Where an image stands, and the module of its format."""
    if is_remote(spec):
        return locate_remote(spec), remote
    location = locate(spec)
    require(location, folder=True)
    return location, format_of(location, text=os.fspath(spec))


def _check_numbers(header: ImageHeader, location: Location) -> None:
    if header.dtype.kind not in "biuf":
        raise FileError(f"{location} holds {header.dtype} values; cellml reads images of real numbers (integers or floats).")
    if min(header.shape, default=1) < 1:
        raise FileError(f"{location} holds no voxels: its shape is {header.shape}.")


def _spacing(header: ImageHeader, spacing_nm: Any, location: Location, key: str) -> Triple:
    if spacing_nm is None:
        if header.spacing is None:
            raise CellmlError(
                f"The voxel size of {location} is not known: {header.missing}. Pass it (z, y, x) in nm, as in {key}=[10,10,10]."
            )
        return header.spacing
    given = given_spacing(spacing_nm, key)
    if header.spacing is not None and not np.allclose(given, header.spacing, rtol=1e-3):
        _log.warning("%s says its voxels are %s nm (z, y, x); using the given %s=%s instead.", location, header.spacing, key, list(given))
    return given


def _axes(header: ImageHeader, given: str | None, location: Location) -> tuple[str, str]:
    """The letter of each stored dimension ("1", "2", … for unnamed ones of length 1), and the axes to present."""
    shape = header.shape
    if given is not None:
        stored = _given_axes(given.upper(), shape, location)
        return stored, "".join(axis for axis in AXES if axis in stored or axis == "Z")
    stored = header.axes or {3: "ZYX", 2: "YX"}.get(len(shape), "")
    if len(stored) != len(shape) or not set(stored) <= set(AXES) or len(set(stored)) != len(stored):
        known = f"{header.axes!r}" if header.axes else "not stated"
        raise CellmlError(
            f"The axes of {location} are {known} and its shape is {shape}; name each dimension by a letter of {AXES}, as in axes=CZYX."
        )
    if header.logical and all(axis in header.logical for axis, size in zip(stored, shape, strict=True) if size > 1):
        return stored, "".join(axis for axis in AXES if axis in header.logical)
    present = "".join(axis for axis in AXES if axis in stored and (axis in "ZYX" or shape[stored.index(axis)] > 1))
    if not {"Y", "X"} <= set(present) or "Z" not in present:
        raise CellmlError(_no_volume(present, shape, location))
    return stored, present


def _no_volume(present: str, shape: tuple[int, ...], location: Location) -> str:
    if len(present) <= 2:
        return (
            f"{location} is a 2D image of shape {shape}, but a volume (Z, Y, X) is needed. To take it as one section "
            "(of which no checkpoint predicts a mesh), store it with shape (1, Y, X) (cellml infer takes axes=YX) and give the voxel size "
            "with the section's thickness first, for example spacing_nm=[50,4,4]; to stack many images, put them "
            "in a folder and give the folder."
        )
    return (
        f"{location} has the axes {present} and shape {shape}, and no Z axis. If one of them counts the slices, say so with "
        f"axes={present.replace(present[0], 'Z', 1) if len(present) == 3 else 'CZYX'}."
    )


def _given_axes(given: str, shape: tuple[int, ...], location: Location) -> str:
    valid = set(given) <= set(AXES) and len(set(given)) == len(given) and {"Y", "X"} <= set(given)
    if not valid or (len(given) > 2 and "Z" not in given):
        raise CellmlError(
            f"axes={given} is not an order that cellml knows: use each letter of {AXES} at most once, with Z, Y and X among them "
            "(or YX alone for a 2D image), for example axes=ZYX or axes=TCZYX."
        )
    if len(given) == len(shape):
        return given
    long = [i for i, size in enumerate(shape) if size > 1]
    if len(given) != len(long):
        raise CellmlError(f"axes={given} names {len(given)} dimensions, but {location} has {len(shape)}: its shape is {shape}.")
    names = iter(given)
    return "".join(next(names) if i in long else str(i) for i in range(len(shape)))
