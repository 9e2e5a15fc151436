"""MRC (MRC2014 and IMOD's variants): ångström in the file, nanometres here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.buffer import reserve_file
from cellml.io.formats import expect, refuse_axes, stored_as
from cellml.io.header import ImageHeader, Stored, positive
from cellml.io.location import Location
from cellml.io.storage import storage_dtype
from cellml.types import Triple

FORM = "MRC"
_MODES = {"i1": 0, "i2": 1, "f4": 2, "u2": 6, "f2": 12}
_IMOD_STAMP = 1146047817  # "IMOD" as a little-endian integer, at byte 152
_STATISTICS_BYTES = 1 << 26
_HEADER_BYTES = 1024
_BIG_ENDIAN = 0x11  # the first byte of the machine stamp, at byte 212 (MRC2014)


@contextmanager
def open_stored(location: Location, usual: str) -> Iterator[Stored]:
    """Open an MRC file as a memory map. A volume stack (space group 401) has the axes TZYX."""
    import mrcfile

    expect(location.path, FORM)
    _require_extended_header(location.path)
    with mrcfile.mmap(location.path, mode="r", permissive=False) as mrc:
        header, data = mrc.header, mrc.data
        mode = int(header.mode)
        if data is None or mode not in _MODES.values():
            raise FileError(f"{location.path} has MRC mode {mode}; cellml reads the modes 0, 1, 2, 6 and 12 (real numbers).")
        if mode == 0 and _unsigned_bytes(header):
            data = data.view(np.uint8)
        size = [float(mrc.voxel_size[axis]) for axis in "zyx"]
        found = positive([_decimal(value / 10) for value in size])
        frame = ImageHeader(
            tuple(data.shape),
            data.dtype,
            axes=_axes(header, data.ndim, location),
            spacing=found,
            origin=_origin(header, found),
            logical="TZYX" if data.ndim == 4 else "",
            missing=f"its MRC header gives {size[0]:g} × {size[1]:g} × {size[2]:g} Å (z, y, x)",
        )
        yield Stored(frame, data)


def check_target(location: Location, header: ImageHeader) -> ImageHeader:
    """ZYX, or TZYX as a volume stack, in the modes 0, 1, 2, 6 and 12; uint8 becomes uint16, as MRC has no unsigned bytes."""
    if header.axes not in ("ZYX", "TZYX"):
        raise refuse_axes(header, location, FORM)
    return stored_as(header, storage_dtype(header, tuple(_MODES), form=FORM, path=location))


@contextmanager
def create(aside: Path, location: Location, header: ImageHeader) -> Iterator[NDArray[Any]]:
    """A memory-mapped MRC file, whose space is reserved before the first block and whose statistics follow at the end."""
    import mrcfile

    (z, y, x), origin = header.frame()
    mode = next(mode for code, mode in _MODES.items() if np.dtype(code) == header.dtype)
    with mrcfile.new_mmap(aside, shape=header.shape, mrc_mode=mode) as mrc:
        reserve_file(aside)
        if len(header.shape) == 3:
            mrc.set_volume()
        mrc.voxel_size = (x * 10, y * 10, z * 10)
        mrc.header.origin.z, mrc.header.origin.y, mrc.header.origin.x = (value * 10 for value in origin)
        yield mrc.data
        _write_statistics(mrc.header, mrc.data)


def _require_extended_header(path: Path) -> None:
    """Raise FileError where the extended header would go beyond the end of the file: mrcfile takes memory for all that is promised."""
    with path.open("rb") as stream:
        header = stream.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES:
        return  # which mrcfile says
    order = ">" if header[212] == _BIG_ENDIAN else "<"
    promised, there = int(np.frombuffer(header, f"{order}i4", count=1, offset=92)[0]), path.stat().st_size - _HEADER_BYTES
    if not 0 <= promised <= there:
        raise FileError(
            f"{path} is truncated or damaged: its extended header (NSYMBT) is said to have {promised} bytes, and {there} follow the "
            "header. Fetch or make it again."
        )


def _unsigned_bytes(header: Any) -> bool:
    """IMOD before 4.2.23 wrote unsigned bytes in mode 0: its stamp is there and bit 0 of its flags is not."""
    stamp, flags = np.frombuffer(bytes(header.extra2)[40:48], dtype=header.mode.dtype)
    return int(stamp) == _IMOD_STAMP and not int(flags) & 1


def _axes(header: Any, dimensions: int, location: Location) -> str:
    """Letters of the stored order: sections, rows and columns run along maps, mapr and mapc (1 = x, 2 = y, 3 = z)."""
    if dimensions == 2:
        return "YX"
    order = [int(header.maps), int(header.mapr), int(header.mapc)]
    if order == [0, 0, 0]:  # old programs leave them out
        order = [3, 2, 1]
    if sorted(order) != [1, 2, 3]:
        raise FileError(f"{location.path} is damaged: its axis numbers mapc, mapr, maps are {order[::-1]}, not a permutation of 1, 2, 3.")
    letters = "".join("?XYZ"[number] for number in order)
    return f"T{letters}" if dimensions == 4 else letters


def _origin(header: Any, spacing: Triple | None) -> Triple:
    """The origin field, or the start indices times the voxel size where that is zero."""
    stated = [float(header.origin[axis]) / 10 for axis in "zyx"]
    if any(stated) or spacing is None:
        return (_decimal(stated[0]), _decimal(stated[1]), _decimal(stated[2]))
    columns = {int(header.mapc): header.nxstart, int(header.mapr): header.nystart, int(header.maps): header.nzstart}
    z, y, x = (float(columns.get(number, 0)) * step for number, step in zip((3, 2, 1), spacing, strict=True))
    return (z, y, x)


def _decimal(value: float) -> float:
    """The decimal number behind a float32: 1.052, not 1.0520000457763672."""
    return float(f"{value:.7g}")


def _write_statistics(header: Any, data: NDArray[Any]) -> None:
    """Minimum, maximum, mean and standard deviation, slab by slab: numpy's own would copy the whole volume to float64."""
    rows = data.reshape(-1, data.shape[-1])
    step = max(1, _STATISTICS_BYTES // (8 * data.shape[-1]))
    low, high, total, squares = np.inf, -np.inf, 0.0, 0.0
    for start in range(0, len(rows), step):
        block = np.asarray(rows[start : start + step], dtype=np.float64)
        low, high = min(low, float(block.min())), max(high, float(block.max()))
        total, squares = total + float(block.sum()), squares + float((block * block).sum())
    mean = total / data.size
    with np.errstate(invalid="ignore", over="ignore"):  # NaN voxels give NaN statistics, which is what they are
        header.dmin, header.dmax, header.dmean = low, high, mean
        header.rms = np.sqrt(np.maximum(squares / data.size - mean * mean, 0.0))
