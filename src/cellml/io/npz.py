"""NumPy archives: arrays by name, `voxel_nm` and `origin_nm` (z, y, x) for all of them, one `cellml` note in JSON."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.buffer import disk_buffer
from cellml.io.formats import expect, stored_as, wrong_content
from cellml.io.header import ImageHeader, Lazy, Stored, StoredArray, positive, read_note, triple
from cellml.io.location import Location, pick, require
from cellml.memory import require_memory

FORM = "npz"
_FRAME = ("voxel_nm", "origin_nm", "cellml")
_CHUNK = 1 << 24
_LARGEST_NOTE = 1 << 26  # bytes


@contextmanager
def open_stored(location: Location, usual: str) -> Iterator[Stored]:
    """Open an array of an archive. Stored members are memory-mapped, compressed ones loaded at the first read."""
    expect(location.path, FORM)
    with zipfile.ZipFile(location.path) as archive:
        member = pick(location, _arrays(archive), usual)
        shape, dtype, fortran, offset = _array_header(archive, f"{member}.npy", location)
        notes = _notes(archive)
        note = read_note(json.dumps({"cellml": notes.get(member)}))
        voxel = _small(archive, "voxel_nm")
        header = ImageHeader(
            shape,
            dtype,
            spacing=positive(voxel) if voxel is not None else None,
            origin=triple(_small(archive, "origin_nm")),
            missing="it holds no array voxel_nm" if voxel is None else f"its voxel_nm is {voxel.tolist()}",
            axes=note.get("logical", ""),
            **note,
        )
        stored = archive.getinfo(f"{member}.npy").compress_type == zipfile.ZIP_STORED and 0 not in shape
        yield Stored(header, _mapped(archive, member, shape, dtype, fortran, offset) if stored else _loaded(archive, member))


def read_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """Every array of an archive of plain arrays, read at once.

    Raises FileError for a missing or damaged archive and for pickled objects, and CellmlError where the arrays are larger than the free
    memory, however small the file.
    """
    location = Location(Path(path))
    require(location)
    try:
        with zipfile.ZipFile(location.path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            for name in names:
                _array_header(archive, name, location)
            size = sum(archive.getinfo(name).file_size for name in names)
            require_memory(size, f"{path}, unpacked,", "Read it on a machine with more memory.")
            return {name.removesuffix(".npy"): _read(archive, name) for name in names}
    except CellmlError:
        raise
    except Exception as error:  # zipfile, zlib and numpy have their own exceptions for damaged archives
        raise wrong_content(location.path, FORM, error) from error


def _read(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(name) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def check_target(location: Location, header: ImageHeader) -> ImageHeader:
    """Any number type and axes fit; the frame must agree with that of the other arrays in an existing archive."""
    if location.member is not None and location.path.exists():
        expect(location.path, FORM)
        with _existing(location) as archive:
            _same_frame(archive, header, location)
    return stored_as(header, header.dtype if header.dtype != np.bool_ else np.dtype("u1"))


@contextmanager
def create(aside: Path, location: Location, header: ImageHeader) -> Iterator[NDArray[Any]]:
    """Collect blocks in a disk buffer, then write the archive: images as they are, labels deflated (they shrink a hundredfold)."""
    member = (location.member or ("raw" if header.kind is None else "labels")).strip("/")
    with disk_buffer(aside, header.shape, header.dtype) as array:
        yield array
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            notes = {member: json.loads(header.note())["cellml"]}
            if location.member is not None and location.path.exists():
                with _existing(location) as old:
                    notes = {**_notes(old), **notes}
                    _copy_others(old, archive, member)
            how = zipfile.ZIP_STORED if header.kind is None else zipfile.ZIP_DEFLATED
            _put(archive, member, array, how)
            _put(archive, "voxel_nm", np.asarray(header.frame()[0]))
            _put(archive, "origin_nm", np.asarray(header.frame()[1]))
            _put(archive, "cellml", np.asarray(json.dumps(notes)))


def _arrays(archive: zipfile.ZipFile) -> list[str]:
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    return sorted(name for name in names if name not in _FRAME)


def _array_header(archive: zipfile.ZipFile, name: str, location: Location) -> tuple[tuple[int, ...], np.dtype[Any], bool, int]:
    """Shape, type, column-major order and length of the header of an array; refuses pickles and sizes that cannot be true."""
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = reader(file)
        offset = file.tell()
    if dtype.hasobject:
        raise FileError(
            f"{location.path} holds pickled Python objects in {name.removesuffix('.npy')!r}, which could run code; they are not read."
        )
    expected, found = offset + int(np.prod(shape, dtype=object)) * dtype.itemsize, archive.getinfo(name).file_size
    if expected != found:
        raise FileError(f"{location.path} is damaged: {name.removesuffix('.npy')!r} should have {expected} bytes but has {found}.")
    return shape, dtype, fortran, offset


def _mapped(archive: zipfile.ZipFile, member: str, shape: tuple[int, ...], dtype: np.dtype[Any], fortran: bool, offset: int) -> StoredArray:
    info = archive.getinfo(f"{member}.npy")
    with Path(str(archive.filename)).open("rb") as file:
        file.seek(info.header_offset + 26)  # the local header: 30 bytes, then a name and an extra field whose lengths stand at 26 and 28
        lengths = np.frombuffer(file.read(4), "<u2")
    start = info.header_offset + 30 + int(lengths.sum()) + offset
    return np.memmap(str(archive.filename), dtype=dtype, mode="r", offset=start, shape=shape, order="F" if fortran else "C")


def _loaded(archive: zipfile.ZipFile, member: str) -> StoredArray:
    def load() -> NDArray[Any]:
        size = archive.getinfo(f"{member}.npy").file_size
        require_memory(
            size,
            f"{member!r} of {archive.filename}, unpacked,",
            "Convert it on a larger machine to a format that is read in parts: .zarr, .h5.",
        )
        return _read(archive, f"{member}.npy")

    return Lazy(load)


def _small(archive: zipfile.ZipFile, name: str) -> NDArray[Any] | None:
    if f"{name}.npy" not in archive.namelist():
        return None
    if (size := archive.getinfo(f"{name}.npy").file_size) > _LARGEST_NOTE:
        raise FileError(f"{archive.filename} is damaged: {name} has {size / 1e6:.0f} MB, and is a few numbers or words.")
    return _read(archive, f"{name}.npy")


def _notes(archive: zipfile.ZipFile) -> dict[str, Any]:
    note = _small(archive, "cellml")
    try:
        found = json.loads(str(note))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _existing(location: Location) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(location.path)
    except zipfile.BadZipFile as error:
        raise FileError(
            f"Cannot add {location.member!r} to {location.path}: it is a damaged archive ({error}). Remove it first."
        ) from error


def _same_frame(archive: zipfile.ZipFile, header: ImageHeader, location: Location) -> None:
    for key, ours in zip(("voxel_nm", "origin_nm"), header.frame(), strict=True):
        theirs = _small(archive, key)
        others = [name for name in _arrays(archive) if name != (location.member or "")]
        if theirs is not None and others and not np.allclose(theirs, ours, rtol=1e-9, atol=1e-9):
            raise FileError(
                f"{location.path} has {key} {theirs.tolist()} for all its arrays, but {location.member!r} has {list(ours)}; "
                "write it to another file."
            )


def _copy_others(old: zipfile.ZipFile, new: zipfile.ZipFile, member: str) -> None:
    for info in old.infolist():
        if info.filename.removesuffix(".npy") in (member, *_FRAME):
            continue
        copied = zipfile.ZipInfo(info.filename, info.date_time)
        copied.compress_type = info.compress_type
        with old.open(info) as source, new.open(copied, "w", force_zip64=True) as target:
            while chunk := source.read(_CHUNK):
                target.write(chunk)


def _put(archive: zipfile.ZipFile, name: str, array: NDArray[Any], how: int = zipfile.ZIP_STORED) -> None:
    info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))  # the same array gives the same bytes
    info.compress_type = how
    with archive.open(info, "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        _write_rows(file, array)


def _write_rows(file: IO[bytes], array: NDArray[Any]) -> None:
    """The bytes in C order, in pieces, so that a memory map never has to fit into memory."""
    flat = array.reshape(-1)
    step = max(1, _CHUNK // max(1, array.itemsize))
    for start in range(0, flat.size, step):
        file.write(flat[start : start + step].tobytes())
