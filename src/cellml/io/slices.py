"""A folder of PNG or TIFF slices in the order of the numbers in their names; the frame stands in `cellml.json` beside them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.buffer import disk_buffer
from cellml.io.formats import check_folder, expect, refuse_axes, stored_as, wrong_content
from cellml.io.header import ImageHeader, Stored, positive, read_note, triple
from cellml.io.location import Location
from cellml.io.storage import storage_dtype
from cellml.io.tiff import loud
from cellml.io.tiff_chain import require_chain
from cellml.memory import require_memory

FORM = "a folder of slices"
_SUFFIXES = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
_SIDECAR = "cellml.json"
_PNG_BYTES = {"I;16": 2, "I": 4}  # of a pixel, for the modes of PNG that have more than one
_SMALLER = "Read it on a machine with more memory, or cut the sections into smaller ones."
_TYPES = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")


@contextmanager
def open_stored(location: Location, usual: str) -> Iterator[Stored]:
    """Open a folder; a slice is read when a region needs it. Colours become channels."""
    files = _slices(location.path)
    first = _read_slice(files[0])
    array = _Stack(files, first)
    yield Stored(ImageHeader(array.shape, first.dtype, axes="ZYX" if first.ndim == 2 else "ZYXC", **_frame(location.path)), array)


def check_target(location: Location, header: ImageHeader) -> ImageHeader:
    """One channel, one time; an existing folder is replaced only if cellml wrote all of it."""
    if header.axes != "ZYX":
        raise refuse_axes(header, location, FORM)
    check_folder(location, ours=lambda folder: all(_NAME.fullmatch(entry.name) for entry in folder.iterdir()))
    return stored_as(header, storage_dtype(header, _TYPES, form=FORM, path=location))


_NAME = re.compile(r"slice_\d+\.tif|cellml\.json")


@contextmanager
def create(aside: Path, location: Location, header: ImageHeader) -> Iterator[NDArray[Any]]:
    """Collect blocks in a disk buffer, then write `slice_00000.tif`, … and the frame."""
    import tifffile

    with disk_buffer(aside, header.shape, header.dtype) as array:
        yield array
        aside.mkdir()
        digits = max(5, len(str(len(array))))
        for number, image in enumerate(array):
            tifffile.imwrite(aside / f"slice_{number:0{digits}}.tif", image, compression="zlib", photometric="minisblack", metadata=None)
        spacing, origin = header.frame()
        frame = {"voxel_nm": spacing, "origin_nm": origin, **json.loads(header.note())}
        (aside / _SIDECAR).write_text(json.dumps(frame, indent=2), encoding="utf-8")


class _Stack:
    """Slices as one array (Z, Y, X) or (Z, Y, X, C)."""

    def __init__(self, files: list[Path], first: NDArray[Any]) -> None:
        self._files, self._first = files, first
        self.shape = (len(files), *first.shape)

    def __getitem__(self, index: tuple[slice, ...]) -> NDArray[Any]:
        images = [self._slice(path)[index[1:]] for path in self._files[index[0]]]
        return np.stack(images)

    def _slice(self, path: Path) -> NDArray[Any]:
        image = self._first if path == self._files[0] else _read_slice(path)
        if image.shape != self._first.shape or image.dtype != self._first.dtype:
            raise FileError(
                f"{path} is {image.shape} {image.dtype}, but the first slice {self._files[0].name} is {self._first.shape} "
                f"{self._first.dtype}; all slices of a folder must be alike."
            )
        return image


def _slices(folder: Path) -> list[Path]:
    files = [entry for entry in folder.iterdir() if entry.suffix.lower() in _SUFFIXES and not entry.name.startswith(".")]
    if not files:
        raise FileError(f"{folder} holds no .png or .tif slices.")
    return sorted(files, key=lambda path: ([int(number) for number in re.findall(r"\d+", path.stem)], path.name))


def _read_slice(path: Path) -> NDArray[Any]:
    form = _SUFFIXES[path.suffix.lower()]
    if path.stat().st_size == 0:
        raise FileError(f"{path} is empty (0 bytes).")
    expect(path, form)
    try:
        image = _png(path) if form == "PNG" else _tiff(path)
    except CellmlError:
        raise
    except Exception as error:  # each library has its own exceptions for damaged files
        raise wrong_content(path, form, error) from error
    if image.ndim not in (2, 3):
        raise FileError(f"{path} has shape {image.shape}; a slice is one 2D image.")
    return image


def _png(path: Path) -> NDArray[Any]:
    # Not Image.open: it opens other kinds by their first bytes (EPS by calling Ghostscript), and takes large sections for bombs.
    from PIL.PngImagePlugin import PngImageFile

    with PngImageFile(path) as image:
        pixel = len(image.getbands()) * _PNG_BYTES.get(image.mode, 1)
        require_memory(image.width * image.height * pixel, f"{path}", _SMALLER)
        return np.asarray(image)


def _tiff(path: Path) -> NDArray[Any]:
    import tifffile

    require_chain(path)
    with loud(path), tifffile.TiffFile(path) as tif:
        if len(tif.pages) > 1:
            raise ValueError(f"it holds {len(tif.pages)} pages, and a slice is one; give the file itself instead of its folder")
        page = tif.pages[0]
        held = max(int(page.nbytes), math.prod(page.chunks) * np.dtype(page.dtype).itemsize)
        require_memory(held, f"{path}", _SMALLER)
        if len(page.dataoffsets) < math.prod(page.chunked):
            raise ValueError(
                f"it is truncated or damaged: {math.prod(page.chunked)} strips are promised, and {len(page.dataoffsets)} are there"
            )
        return np.asarray(page.asarray())


def _frame(folder: Path) -> dict[str, Any]:
    sidecar = folder / _SIDECAR
    if not sidecar.is_file():
        return {"missing": f"slices hold none, and there is no {_SIDECAR} beside them"}
    try:
        frame = json.loads(sidecar.read_text(encoding="utf-8"))
        voxel = frame.get("voxel_nm")
    except (ValueError, AttributeError) as error:
        raise FileError(f"{sidecar} is no JSON object ({error}).") from error
    spacing = positive(voxel) if voxel is not None else None
    note = read_note(json.dumps(frame))
    return {"spacing": spacing, "origin": triple(frame.get("origin_nm")), "missing": f"voxel_nm in its {_SIDECAR} is {voxel}", **note}
