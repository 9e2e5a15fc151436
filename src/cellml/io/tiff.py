"""TIFF: ImageJ hyperstacks and OME-TIFF, with what neither has a place for as a note in their free text."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.buffer import reserve_file
from cellml.io.formats import expect, stored_as
from cellml.io.header import ImageHeader, Stored, StoredArray, read_note
from cellml.io.location import Location
from cellml.io.storage import storage_dtype
from cellml.io.tiff_chain import require_chain
from cellml.io.tiff_files import require_own_pages, require_promised_pages, require_sound_ome
from cellml.io.tiff_frame import imagej_metadata, ome_metadata, tiff_frame

FORM = "TIFF"
_IMAGEJ = ("u1", "u2", "f4")
_OME = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8")
_IMAGEJ_BYTES = 1 << 32  # ImageJ's own reader stops at 4 GB


@contextmanager
def open_stored(location: Location, usual: str) -> Iterator[Stored]:
    """Open the first image series at full resolution: memory-mapped where it is contiguous, else by tiles and strips."""
    import tifffile

    expect(location.path, FORM)
    require_chain(location.path)
    with loud(location.path), tifffile.TiffFile(location.path) as tif:
        require_sound_ome(tif, location.path)
        series = tif.series[0].levels[0]
        require_own_pages(series, location.path)
        require_promised_pages(series, location.path)
        frame = tiff_frame(tif)
        note = read_note(frame.pop("text"))
        # tifffile leaves out axes of length 1; where the note says which were meant, or where Y or X went, all are needed.
        squeezed = not note and {"Y", "X"} <= set(series.axes)
        axes, shape = _named(series.get_axes(squeezed), series.get_shape(squeezed))
        header = ImageHeader(shape, np.dtype(series.dtype), axes=axes, **{**frame, **note})
        yield Stored(header, _array(series, location, shape))


def check_target(location: Location, header: ImageHeader) -> ImageHeader:
    """ImageJ for 8 and 16 bit and float32 below 4 GB in a plain .tif, else OME."""
    if _imagej(location, header):
        return stored_as(header, storage_dtype(header, _IMAGEJ, form=FORM, path=location), "".join(a for a in "TZCYX" if a in header.axes))
    return stored_as(header, storage_dtype(header, _OME, form=FORM, path=location))


@contextmanager
def create(aside: Path, location: Location, header: ImageHeader) -> Iterator[NDArray[Any]]:
    """A memory-mapped TIFF, in ImageJ's or OME's terms; its space is reserved before the first block."""
    import tifffile

    imagej = _imagej(location, header)
    (_, y, x), _ = header.frame()
    metadata = imagej_metadata(header) if imagej else ome_metadata(header)
    # ImageJ's order with every axis: without it, tifffile takes short last axes for the samples of a pixel.
    lengths = dict(zip(header.axes, header.shape, strict=True))
    array = tifffile.memmap(
        aside,
        shape=tuple(lengths.get(axis, 1) for axis in "TZCYXS") if imagej else header.shape,
        dtype=header.dtype,
        imagej=imagej,
        ome=not imagej,
        bigtiff=not imagej and header.nbytes > _IMAGEJ_BYTES - (1 << 25),
        metadata=metadata,
        photometric="minisblack",
        resolution=(1.0 / x, 1.0 / y) if imagej else None,
    )
    reserve_file(aside)
    yield array.reshape(header.shape)
    array.flush()


def _imagej(location: Location, header: ImageHeader) -> bool:
    plain = not location.path.name.lower().endswith((".ome.tif", ".ome.tiff"))
    holds = header.dtype.newbyteorder("=") in [np.dtype(code) for code in (*_IMAGEJ, "?", "f2")]
    return plain and holds and header.nbytes * (2 if header.dtype == np.float16 else 1) < _IMAGEJ_BYTES


def _named(axes: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """Letters of TCZYX: samples of a pixel are channels, and pages without a meaning (I, Q) are slices if nothing else is."""
    sizes = dict(zip(axes, shape, strict=True))
    if "C" in sizes and "S" in sizes:
        extra = "S" if sizes["S"] == 1 else "C" if sizes["C"] == 1 else ""
        axes, shape = axes.replace(extra, ""), tuple(size for axis, size in sizes.items() if axis != extra)
    letters = axes.replace("S", "C") if "C" not in axes else axes
    for unnamed in "IQ":
        if letters.count(unnamed) == 1 and "Z" not in letters:
            letters = letters.replace(unnamed, "Z")
    return letters, shape


def _array(series: Any, location: Location, shape: tuple[int, ...]) -> StoredArray:
    if series.dataoffset is None:
        return _Tiles(series, shape)
    file = series.keyframe.parent  # a series may stand in another file beside the one that describes it
    path, end = Path(file.filehandle.path), int(series.dataoffset) + int(series.nbytes)
    if end > path.stat().st_size:
        raise FileError(
            f"{location.path} is truncated: its image ends at byte {end} of {path.name}, but the file has {path.stat().st_size}. "
            "Fetch or make it again."
        )
    order = np.dtype(series.dtype).newbyteorder(file.byteorder)
    mapped: StoredArray = np.memmap(path, dtype=order, mode="r", offset=int(series.dataoffset), shape=shape)
    return mapped


class _Tiles:
    """A compressed or tiled series, decoded only where it is asked for; its shape is the series' but for axes of length 1."""

    def __init__(self, series: Any, shape: tuple[int, ...]) -> None:
        self._series, self._shape = series, shape
        self.chunks = tuple(int(n) for n in series.keyframe.chunks)  # of a tile, a strip or a page
        self._array: Any = None

    def __getitem__(self, index: tuple[slice, ...]) -> Any:
        import zarr

        if self._array is None:
            self._array = zarr.open_array(self._series.aszarr(level=0, squeeze=False), mode="r")
        parts = iter([part for part, size in zip(index, self._shape, strict=True) if size > 1])
        block = np.asarray(self._array[tuple(next(parts) if size > 1 else slice(None) for size in self._array.shape)])
        return block.reshape([len(range(*part.indices(size))) for part, size in zip(index, self._shape, strict=True)])


@contextmanager
def loud(path: Path) -> Iterator[None]:
    """Turn tifffile's logged errors into a FileError: it goes on with the pages that are left of a truncated file."""
    logger = logging.getLogger("tifffile")
    complaints: list[str] = []

    def listen(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            complaints.append(record.getMessage())
        return record.levelno < logging.ERROR  # said once, in the FileError

    logger.addFilter(listen)
    try:
        yield
    finally:
        logger.removeFilter(listen)
    if complaints:
        raise FileError(f"{path} is truncated or damaged ({complaints[0]}). Fetch or make it again.")
