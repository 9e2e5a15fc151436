"""Label files side by side, a slab of sections at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Labels

if TYPE_CHECKING:
    from cellml.io import ImageSource

SLAB_VOXELS = 16_000_000


def open_labels(spec: Any, spacing_nm: Sequence[float] | None) -> ImageSource:
    """Open a label file for reading in slabs. Raises CellmlError if it has several channels or times; else as `cellml.io.open_image`."""
    from cellml.io import open_image

    source = open_image(spec, spacing_nm=spacing_nm, usual="labels")
    if max(source.full_shape[:-3], default=1) > 1:
        source.close()
        raise CellmlError(f"{spec} has the axes {source.axes} and shape {source.full_shape}; labels are one (Z, Y, X) array.")
    return source


def common_frame(
    specs: Sequence[Any], sources: Sequence[ImageSource], region: Sequence[Sequence[int] | None] | None
) -> tuple[slice, slice, slice]:
    """The region to compare, with explicit bounds (z, y, x), once shape and voxel size of all files agree.

    region: [start, stop] in voxels for each axis, None for all of it. Raises CellmlError, with both values, where two files differ,
    and for a region outside them.
    """
    first = sources[0]
    for spec, source in zip(specs[1:], sources[1:], strict=True):
        if source.shape != first.shape:
            raise CellmlError(
                f"{specs[0]} has shape {first.shape} and {spec} has shape {source.shape} (z, y, x); they must cover the same voxels."
            )
        if not np.allclose(source.spacing, first.spacing, rtol=1e-3):
            raise CellmlError(
                f"{specs[0]} has voxels of {list(first.spacing)} nm and {spec} of {list(source.spacing)} nm (z, y, x). If one file is "
                "wrong, pass the right size for both, as in spacing_nm=[10,10,10]."
            )
    bounds = region if region is not None else (None, None, None)
    if len(bounds) != 3:
        raise CellmlError(f"A region is three pairs [[z0, z1], [y0, y1], [x0, x1]], null for all of an axis; got {region}.")
    z, y, x = (_bounded(pair, size, axis) for pair, size, axis in zip(bounds, first.shape, "zyx", strict=True))
    return z, y, x


def label_slabs(specs: Sequence[Any], sources: Sequence[ImageSource], part: tuple[slice, slice, slice]) -> Iterator[list[NDArray[Any]]]:
    """The same slab of every file, as (z, Y, X) arrays of whole numbers ≥ 0, from the first section to the last.

    Raises CellmlError for fractional, non-finite and negative labels.
    """
    z, y, x = part
    step = max(1, SLAB_VOXELS // ((y.stop - y.start) * (x.stop - x.start)))
    for start in range(z.start, z.stop, step):
        slab = (slice(start, min(start + step, z.stop)), y, x)
        yield [_labels(spec, source, slab) for spec, source in zip(specs, sources, strict=True)]


def _labels(spec: Any, source: ImageSource, slab: tuple[slice, slice, slice]) -> NDArray[Any]:
    data = source.read(slab).reshape([axis.stop - axis.start for axis in slab])
    return Labels(data, source.spacing, name=str(spec)).data


def _bounded(pair: Sequence[int] | None, size: int, axis: str) -> slice:
    start, stop = (0, size) if pair is None else tuple(pair)
    if not 0 <= start < stop <= size:
        raise CellmlError(
            f"The region [{start}, {stop}] along {axis} does not lie inside the files, which have {size} voxels along {axis}."
        )
    return slice(start, stop)
