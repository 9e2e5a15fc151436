"""NIfTI-1 and -2: axes x, y, z in the file, millimetres and the scanner's affine; (z, y, x) and nanometres here."""

from __future__ import annotations

import gzip
import logging
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.buffer import disk_buffer
from cellml.io.formats import sniff, stored_as, wrong_content
from cellml.io.header import ImageHeader, Lazy, Stored, positive, read_note, triple
from cellml.io.location import Location
from cellml.io.storage import storage_dtype
from cellml.io.units import nanometres
from cellml.memory import require_memory

FORM = "NIfTI"
_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
_AXES = {2: "XY", 3: "XYZ", 4: "XYZT", 5: "XYZTC"}
_LONGEST = 32767  # an axis of NIfTI-1
_CHUNK = 1 << 24
_LARGEST_NOTES = 1 << 26  # bytes before the voxels
_COMMENT = 6  # extension code of plain text

_log = logging.getLogger(__name__)


@contextmanager
def open_stored(location: Location, usual: str) -> Iterator[Stored]:
    """Open an image. Voxels keep their stored order: a rotated or mirrored affine gives only sizes and the first voxel's place."""
    import nibabel

    packed = location.path.name.lower().endswith(".gz")
    if sniff(location.path) not in ({"gzip"} if packed else {FORM, None}):
        raise wrong_content(location.path, FORM, ValueError())
    if packed:
        _check_notes(location.path)
    image: Any = nibabel.load(location.path)
    header = image.header
    proxy = image.dataobj
    scaled = (proxy.slope, proxy.inter) != (1.0, 0.0)
    if not packed:
        _check_length(location.path, header, int(proxy.offset))
    array = Lazy(lambda: _unpacked(location.path, header, proxy)) if packed else proxy
    dtype = np.dtype(np.float64) if scaled else header.get_data_dtype()
    yield Stored(ImageHeader(tuple(image.shape), dtype, axes=_AXES.get(len(image.shape), ""), **_frame(image, location)), array)


def check_target(location: Location, header: ImageHeader) -> ImageHeader:
    """x, y, z, then time, then channels; float16 becomes float32."""
    axes = "XYZ" + ("T" if "T" in header.axes or "C" in header.axes else "") + ("C" if "C" in header.axes else "")
    return stored_as(header, storage_dtype(header, _TYPES, form=FORM, path=location), axes)


@contextmanager
def create(aside: Path, location: Location, header: ImageHeader) -> Iterator[NDArray[Any]]:
    """Collect blocks in a disk buffer, then write the file."""
    import nibabel

    with disk_buffer(aside, header.shape[::-1], header.dtype) as buffer:
        array = buffer.T  # x runs fastest in the file, so that blocks of z slices stay together
        yield array
        spacing, origin = header.frame()
        affine = np.diag([*(value * 1e-6 for value in spacing[::-1]), 1.0])
        affine[:3, 3] = [value * 1e-6 for value in origin[::-1]]
        kind = nibabel.Nifti1Image if max(header.shape) <= _LONGEST else nibabel.Nifti2Image
        image = kind(array, affine, dtype=header.dtype)
        image.header.set_xyzt_units("mm")
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(_COMMENT, header.note().encode("ascii")))
        nibabel.save(image, aside)


def _unpacked(path: Path, header: Any, proxy: Any) -> NDArray[Any]:
    """The voxels of a gzipped file, read to its very end, so that its checksum is compared: nibabel stops before."""
    from nibabel.volumeutils import apply_read_scaling

    voxels, dtype = math.prod(map(int, proxy.shape)), header.get_data_dtype()
    require_memory(voxels * dtype.itemsize, f"{path}, unpacked,", "Unpack it with gunzip: a .nii is read in parts.")
    data = np.empty(voxels, dtype=dtype)
    with gzip.open(path) as file:
        file.seek(int(proxy.offset))
        view, done = memoryview(cast(bytearray, data.view(np.uint8))), 0
        while done < len(view):
            count = file.readinto(view[done:])
            if not count:
                raise EOFError(f"{len(view)} bytes of voxels are promised, {done} are there")
            done += count
        while file.read(_CHUNK):
            pass
    return np.asarray(apply_read_scaling(data.reshape(proxy.shape, order="F"), proxy.slope, proxy.inter))


def _frame(image: Any, location: Location) -> dict[str, Any]:
    import nibabel

    header = image.header
    unit = header.get_xyzt_units()[0]
    factor = nanometres(unit)
    note = next((found for extension in header.extensions if (found := _note(extension))), {})
    if factor is None:
        return {"missing": f"its NIfTI header gives sizes in {unit!r} units", **note}
    placed = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    affine = image.affine
    sizes = nibabel.affines.voxel_sizes(affine) if placed else header.get_zooms()[:3]
    if placed and not np.allclose(affine[:3, :3], np.diag(sizes), atol=1e-4 * max(sizes)):
        _log.warning("%s has a rotated or mirrored affine; its voxels keep their stored order and the orientation is left out.", location)
    if len(image.shape) < 3:
        return {"missing": "it is a 2D image", **note}
    spacing = positive([float(f"{size * factor:.7g}") for size in sizes[::-1]])
    origin = triple([float(f"{value * factor:.7g}") for value in affine[2::-1, 3]]) if placed else None
    return {"spacing": spacing, "origin": origin, "missing": f"its NIfTI voxel size is {[float(size) for size in sizes]} {unit}", **note}


def _note(extension: Any) -> dict[str, Any]:
    content = extension.get_content() if extension.get_code() == _COMMENT else b""
    return read_note(content.rstrip(b"\x00") if isinstance(content, bytes) else content)


def _check_notes(path: Path) -> None:
    """Raise FileError where a gzipped file puts its voxels behind more notes than there can be: nibabel reads all that is before them."""
    with gzip.open(path) as file:
        head = file.read(540)
    order = "<" if head[:4] in (b"\x5c\x01\x00\x00", b"\x1c\x02\x00\x00") else ">"
    kind, place = ("q", 168) if head[:4] in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c") else ("f", 108)
    if len(head) < 348:
        raise EOFError(f"its header has {len(head)} bytes")
    (offset,) = struct.unpack_from(order + kind, head, place)
    if not 0 <= offset <= _LARGEST_NOTES:
        raise FileError(f"{path} is damaged: its voxels begin at byte {offset:g}, behind more notes than any program writes.")


def _check_length(path: Path, header: Any, offset: int) -> None:
    needed = offset + int(np.prod(header.get_data_shape(), dtype=object)) * header.get_data_dtype().itemsize
    found = path.stat().st_size
    if found < needed:
        raise FileError(f"{path} is truncated: its header promises {needed} bytes, but the file has {found}. Fetch or make it again.")
