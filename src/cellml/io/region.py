"""Regions and axis orders: what (slice, slice, slice) means for a shape, and how a block turns from one order into another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.memory import require_memory

Region = Sequence[slice]


def checked_region(region: Region | None, shape: tuple[int, ...], *, axes: str, where: object) -> tuple[slice, ...]:
    """Slices with explicit bounds, one for each axis; None means everything.

    A region of three slices under more axes means (z, y, x), with the leading axes whole. Raises CellmlError, with the numbers,
    where a slice is empty, leaves the array or has a step.
    """
    if region is None:
        return tuple(slice(0, size) for size in shape)
    given = tuple(region)
    if len(given) == 3 < len(shape):
        given = (*(slice(None) for _ in shape[:-3]), *given)
    if len(given) != len(shape) or not all(isinstance(part, slice) for part in given):
        raise CellmlError(f"A region of {where} must be three slices (z, y, x) or one for each of its axes {axes}; got {region!r}.")
    return tuple(_checked(part, size, axis, where) for part, size, axis in zip(given, shape, axes, strict=True))


def _checked(part: slice, size: int, axis: str, where: object) -> slice:
    start = 0 if part.start is None else int(part.start)
    stop = size if part.stop is None else int(part.stop)
    if part.step not in (None, 1):
        raise CellmlError(f"A region of {where} has step {part.step} along {axis}; only whole blocks (step 1) can be read or written.")
    if not 0 <= start < stop <= size:
        raise CellmlError(f"The region {start}:{stop} along {axis} does not lie inside {where}, which has {size} voxels along {axis}.")
    return slice(start, stop)


def require_room(array: Any, shape: tuple[int, ...], dtype: np.dtype[Any], index: Sequence[slice], where: object, *, remedy: str) -> None:
    """Raise CellmlError where a region of a stored array, or a single chunk of it, is larger than the free memory.

    array: of any format, whose `chunks` are its lengths where it has some; shape, dtype: as stored; index: a slice for each dimension;
    remedy: what to do about a region that is too large. A few bytes of metadata can promise any size, of the image or of the chunks that
    are unpacked for a voxel of it; every reader of regions asks here first.
    """
    voxels = math.prod(len(range(*part.indices(size))) for part, size in zip(index, shape, strict=True))
    require_memory(voxels * dtype.itemsize, f"What is asked of {where}", remedy)
    chunk = math.prod(getattr(array, "chunks", None) or (0,)) * dtype.itemsize
    require_memory(chunk, f"A single chunk of {where}", "Have it stored anew in chunks of a few megabytes.")


def reordered(block: NDArray[Any], given: str, wanted: str) -> NDArray[Any]:
    """A view of a block with axes `given` in the order `wanted`; axes of length 1 that only one of the two has are dropped or added."""
    kept = [axis for axis in given if axis in wanted]
    block = block.reshape([size for size, axis in zip(block.shape, given, strict=True) if axis in wanted])
    block = block.transpose([kept.index(axis) for axis in wanted if axis in kept])
    return np.expand_dims(block, [i for i, axis in enumerate(wanted) if axis not in kept])
