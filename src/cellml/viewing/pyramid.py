"""Multiscale OME-Zarr: an image or labels at full and at ever coarser resolution, written in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cellml.io.header import ImageHeader
from cellml.io.ome_metadata import ome_attributes
from cellml.io.source import ImageSource
from cellml.types import Triple

Factor = tuple[int, int, int]
Reduction = Literal["mean", "majority"]

_CHUNK = 64
_BLOCK = 1 << 28  # bytes that are read at once
_SEEN = 1 << 24  # voxels of a section that its contrast is taken from
_SMALL = 64  # voxels: an axis that is as short is not halved, and when all are, no coarser level is made


def level_factors(shape: Sequence[int], spacing: Sequence[float]) -> list[Factor]:
    """How much coarser each level is along (z, y, x), beginning with (1, 1, 1).

    An axis is halved while its voxels are finer than twice the finest ones, so that voxels become isotropic first, and while it is longer
    than a chunk.
    """
    factors: list[Factor] = [(1, 1, 1)]
    while True:
        last = factors[-1]
        size = [s * f for s, f in zip(spacing, last, strict=True)]
        length = [-(-n // f) for n, f in zip(shape, last, strict=True)]
        long = [n > _SMALL for n in length]
        if not any(long):
            return factors
        finest = min(s for s, wanted in zip(size, long, strict=True) if wanted)
        z, y, x = (f * (2 if wanted and s < 2 * finest else 1) for f, s, wanted in zip(last, size, long, strict=True))
        factors.append((z, y, x))


def write_pyramid(source: ImageSource, store: Path, member: str = "", *, labels: bool = False, frame: int = 0) -> list[Factor]:
    """Write one image into a Zarr store (OME-Zarr 0.5) as levels "0", "1" …; returns their factors.

    source: an open image, of which `frame` is taken where it has times; member: name of the group in the store, "" for its root; labels:
    whole numbers of objects, whose coarser voxels take the number that most of the finer ones have, instead of their mean.
    """
    import zarr

    factors = level_factors(source.shape, source.spacing)
    channels = len(source.channels) if "C" in source.axes and not labels else 0
    lead = (channels,) if channels else ()
    dtype = _stored(source.dtype, labels)
    root = zarr.open_group(store, mode="a", zarr_format=3)
    group = root.require_group(member) if member else root
    arrays = []
    for number, factor in enumerate(factors):
        shape = (*lead, *(-(-n // f) for n, f in zip(source.shape, factor, strict=True)))
        chunks = (*(1 for _ in lead), *(min(_CHUNK, n) for n in shape[-3:]))
        arrays.append(
            group.create_array(str(number), shape=shape, chunks=chunks, dtype=dtype, fill_value=0, dimension_names=_names(channels))
        )
    _copy(source, arrays[0], frame, bool(channels))
    for (before, after), step in zip(pairwise(arrays), steps(factors), strict=True):
        _coarsen(before, after, step, "majority" if labels else "mean")
    header = ImageHeader(
        arrays[0].shape, np.dtype(dtype), axes="CZYX" if channels else "ZYX", spacing=source.spacing, origin=source.origin,
        channels=source.channels if channels else (), name=source.name, kind=(source.kind or "instance") if labels else None,
        names=source.names,
    )  # fmt: skip
    group.attrs.update(ome_attributes(header, version="0.5", factors=factors))
    return factors


def steps(factors: Sequence[Factor]) -> list[Factor]:
    """From each level to the next."""
    return [(b[0] // a[0], b[1] // a[1], b[2] // a[2]) for a, b in pairwise(factors)]


def reduced(block: NDArray[Any], step: Factor, how: Reduction) -> NDArray[Any]:
    """block: (…, Z, Y, X), whose ends are repeated up to multiples of `step` → (…, ⌈Z/z⌉, ⌈Y/y⌉, ⌈X/x⌉) by mean or majority.

    Where two numbers are equally frequent, the one that comes first in (z, y, x) wins.
    """
    lead = block.ndim - 3
    block = np.pad(block, [(0, 0)] * lead + [(0, -n % s) for n, s in zip(block.shape[-3:], step, strict=True)], mode="edge")
    cells = block.reshape(*block.shape[:lead], *(part for n, s in zip(block.shape[-3:], step, strict=True) for part in (n // s, s)))
    within = [lead + 1, lead + 3, lead + 5]
    if how == "mean":
        mean = cells.mean(axis=tuple(within), dtype=np.float64)
        return np.asarray(np.rint(mean) if block.dtype.kind in "iu" else mean).astype(block.dtype)
    outside = [axis for axis in range(cells.ndim) if axis not in within]
    samples = cells.transpose(*within, *outside).reshape(int(np.prod(step)), *(cells.shape[axis] for axis in outside))
    votes = np.stack([(samples == sample).sum(axis=0, dtype=np.uint8) for sample in samples])
    return np.asarray(np.take_along_axis(samples, votes.argmax(axis=0)[None], axis=0)[0])


def slabs(shape: Sequence[int], voxel_bytes: int) -> Iterator[tuple[slice, slice]]:
    """Rows and sections (z, y) that are handled at once: whole chunks, of full width, in about `_BLOCK` bytes.

    shape: (z, y, x); voxel_bytes: of a voxel with all its channels.
    """
    rows = max(1, _BLOCK // (_CHUNK * shape[2] * voxel_bytes) // _CHUNK) * _CHUNK
    for z in range(0, shape[0], _CHUNK):
        for y in range(0, shape[1], rows):
            yield slice(z, min(z + _CHUNK, shape[0])), slice(y, min(y + rows, shape[1]))


def _copy(source: ImageSource, array: Any, frame: int, channels: bool) -> None:
    for z, y in slabs(source.shape, source.dtype.itemsize * max(1, len(source.channels))):
        block = source.read((z, y, slice(0, source.shape[2])), frame=frame if source.axes[0] == "T" else None)
        block = block if channels or block.ndim == 3 else block[0]
        if array.dtype.kind == "u" and block.dtype.kind == "i":  # labels of voxels that nobody labelled are negative
            block = np.maximum(block, 0)
        array[(..., z, y, slice(None))] = block.astype(array.dtype)


def _coarsen(before: Any, after: Any, step: Factor, how: Reduction) -> None:
    height, width = before.shape[-3:-1]
    lead = math.prod(before.shape[:-3])
    for z, y in slabs(after.shape[-3:], before.dtype.itemsize * lead * math.prod(step)):
        fine = (slice(z.start * step[0], min(z.stop * step[0], height)), slice(y.start * step[1], min(y.stop * step[1], width)))
        after[(..., z, y, slice(None))] = reduced(np.asarray(before[(..., *fine, slice(None))]), step, how)


def _stored(dtype: np.dtype[Any], labels: bool) -> np.dtype[Any]:
    """What Neuroglancer draws: unsigned labels of 32 or 64 bits, and no numbers of 16 or 64 bits after the point."""
    if labels:
        return np.dtype(np.uint64 if dtype.itemsize > 4 else np.uint32)
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    return np.dtype(np.float32) if dtype.kind == "f" or dtype.itemsize == 8 else dtype


def _names(channels: int) -> list[str]:
    return [*(["c"] if channels else []), "z", "y", "x"]


def contrast(source: ImageSource, frame: int = 0) -> Triple:
    """Half a per cent and 99.5 per cent of the values of a few sections (of their middle, where they are large), and the largest of
    them.
    """
    depth = source.shape[0]
    planes = []
    rows = min(source.shape[1], max(1, _SEEN // source.shape[2]))
    first = (source.shape[1] - rows) // 2
    for z in sorted({int(n) for n in np.linspace(0, depth - 1, min(depth, 5))}):
        region = (slice(z, z + 1), slice(first, first + rows), slice(0, source.shape[2]))
        planes.append(source.read(region, frame=frame if source.axes[0] == "T" else None).ravel())
    values = np.concatenate(planes).astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return (0.0, 1.0, 1.0)
    low, high = np.percentile(values, (0.5, 99.5))
    return (float(low), float(high if high > low else low + 1), float(values.max()))
