"""Which module reads and writes which suffix."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from cellml.errors import FileError
from cellml.io.header import ImageHeader, Stored, WritableArray
from cellml.io.location import Location

# Longest first: `.ome.tif` must not be taken for something else by a shorter suffix.
_SUFFIXES = {
    ".ome.tiff": "tiff",
    ".ome.tif": "tiff",
    ".nii.gz": "nifti",
    ".hdf5": "hdf5",
    ".tiff": "tiff",
    ".zarr": "ome_zarr",
    ".npz": "npz",
    ".tif": "tiff",
    ".nii": "nifti",
    ".mrc": "mrc",
    ".map": "mrc",
    ".rec": "mrc",
    ".ali": "mrc",
    ".hdf": "hdf5",
    ".h5": "hdf5",
    ".st": "mrc",
}
_UNPACK = {".gz": "gunzip -k", ".bz2": "bunzip2 -k", ".xz": "unxz -k", ".zst": "unzstd", ".zip": "unzip"}
_WITH_NAMES = ("npz", "hdf5", "ome_zarr")


class Format(Protocol):
    """What a module of one format offers."""

    FORM: str

    def open_stored(self, location: Location, usual: str) -> AbstractContextManager[Stored]:
        """Open for reading; `usual` is the name of the array to take where the location names none."""

    def check_target(self, location: Location, header: ImageHeader, /, **options: Any) -> ImageHeader:
        """The header as this format will store it, or FileError if it cannot, before anything is written."""

    def create(self, aside: Path, location: Location, header: ImageHeader, /, **options: Any) -> AbstractContextManager[WritableArray]:
        """Open `aside` for writing; the array is in the axis order of `header` and complete when the context ends normally."""


def known_suffixes() -> str:
    """The suffixes that can be read and written, for messages."""
    return ", ".join(sorted(_SUFFIXES)) + ", or a folder of .png or .tif slices (end its name with /)"


def format_of(location: Location, *, text: str) -> Format:
    """The module for a location. text: what the user wrote, whose final slash marks a folder of slices. Raises FileError otherwise."""
    name = location.path.name.lower()
    suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), None)
    if suffix is None and (location.path.is_dir() or text.endswith("/")):
        return _module("ome_zarr" if _is_store(location.path) else "slices")
    if suffix is None and name.endswith(tuple(_UNPACK)) and location.path.is_file():
        how = _UNPACK[location.path.suffix.lower()]
        raise FileError(f"{location.path} is compressed, and only .nii.gz is read so. Unpack it first: {how} {location.path}")
    if suffix is None:
        raise FileError(f"{location.path} has no suffix that cellml knows for images. Known are {known_suffixes()}.")
    module = _SUFFIXES[suffix]
    if module != "ome_zarr" and location.path.is_dir():
        raise FileError(
            f"{location.path} is a folder, and {suffix} is the suffix of a file. Name a file in it; if it is a Zarr store or a folder of "
            "slices itself, rename it to end in .zarr, or in no suffix."
        )
    if location.member is not None and module not in _WITH_NAMES:
        raise FileError(
            f"{location.path} holds one array only, so {location.member!r} names nothing in it; leave the colon and the name out."
        )
    return _module(module)


def _is_store(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray", ".zattrs"))


def _module(name: str) -> Format:
    return cast(Format, import_module(f"cellml.io.{name}"))


def wrong_content(path: Path, form: str, error: BaseException) -> FileError:
    """The FileError for a file that a format's library refuses, naming what the first bytes say it is."""
    kind = sniff(path)
    if kind is not None and kind != form:
        return FileError(f"{path} is not {form}: its first bytes are those of {kind}. Give it the suffix of what it is, or convert it.")
    why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return FileError(f"{path} cannot be read as {form}; it is truncated or damaged ({why}). Fetch or make it again.")


def sniff(path: Path) -> str | None:
    """The format that a file's first bytes show, or None."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(352)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[208:211] == b"MAP":
        return "MRC"
    if head[344:348] in (b"n+1\x00", b"ni1\x00") or head[4:8] in (b"n+2\x00", b"ni2\x00"):
        return "NIfTI"
    return None


_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"PK\x03\x04", "npz"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x1f\x8b", "gzip"),
    (b"\x93NUMPY", "npy"),
    (b"%PDF", "PDF"),
)


def expect(path: Path, form: str) -> None:
    """Raise FileError if the first bytes of a file are those of another format than `form`."""
    kind = sniff(path)
    if kind is not None and kind != form:
        raise wrong_content(path, form, ValueError())


def stored_as(header: ImageHeader, dtype: np.dtype[Any], axes: str | None = None) -> ImageHeader:
    """The header of an array as a format keeps it: with its number type and axis order, the axes that the writer meant noted."""
    order = header.axes if axes is None else axes
    lengths = dict(zip(header.axes, header.shape, strict=True))
    return replace(header, dtype=dtype, axes=order, shape=tuple(lengths.get(axis, 1) for axis in order), logical=header.axes)


def refuse_axes(header: ImageHeader, location: Location, form: str) -> FileError:
    """The error for axes that a format has no place for."""
    return FileError(
        f"{form} cannot hold the axes {header.axes}, so {location} was not written; write .ome.tif, .zarr, .h5 or .npz instead, "
        "or one file for each channel or time."
    )


def check_folder(location: Location, *, ours: Callable[[Path], bool]) -> None:
    """Raise FileError if a folder stands where one is to be written and holds anything that cellml did not write."""
    path = location.path
    if path.is_dir() and not ours(path) and any(path.iterdir()):
        raise FileError(f"{path} is a folder that holds other things, and is not replaced; choose a new name, or empty it first.")
    if path.is_file():
        raise FileError(f"{path} is a file, but a folder is to be written there; choose a new name, or remove it first.")
