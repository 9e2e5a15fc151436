"""The verb `filter`: an image in, a filtered or repaired image out, however large."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

log = logging.getLogger(__name__)


def filter_file(
    input: str,
    output: str,
    filter: Mapping[str, Any] | None = None,
    floats: bool = False,
    block: Sequence[int] = (128, 256, 256),
    spacing_nm: Sequence[float] | None = None,
    axes: str | None = None,
) -> dict[str, Any]:
    """Filter or repair an image block by block and write it, with every channel and time for itself.

    input: a volume, `FILE.npz:NAME`, `FILE.h5:/dataset` or a known data set's name; output: the suffix chooses the format; filter: the
    repair, as `_target_` and arguments; floats: write float32 instead of the input's number type, to which results are rounded and
    clipped; block: (z, y, x) voxels held in memory, halo aside; spacing_nm, axes: where the file does not say. Returns voxels and seconds.
    Raises CellmlError where no filter was chosen, and for what the filter refuses.
    """
    from hydra.utils import instantiate

    from cellml.data.references import resolve
    from cellml.help import choices
    from cellml.io import create_array, open_image
    from cellml.io.overlap import require_apart

    if filter is None:
        raise CellmlError(f"Choose a filter: filter={' or '.join(choices('filter'))}.")
    if len(block) != 3 or min(block) < 1:
        raise CellmlError(f"block={list(block)} must be three positive numbers of voxels (z, y, x).")
    reference, warning = resolve(input, "image")
    require_apart(output, reference)
    if warning:
        log.warning(warning)
    repair, begin = instantiate(dict(filter), _convert_="all"), time.perf_counter()
    with open_image(reference, spacing_nm=spacing_nm, axes=axes) as image:
        stored = np.dtype(np.float32) if floats or image.dtype.kind == "b" else image.dtype
        sink = create_array(
            output,
            shape=image.full_shape,
            dtype=stored,
            spacing=image.spacing,
            origin=image.origin,
            axes=image.axes,
            channels=image.channels,
            name=image.name,
        )
        with sink:
            for index, region, voxels in _parts(image, repair, (int(block[0]), int(block[1]), int(block[2])), input):
                lead = tuple(slice(n, n + 1) for n in index)
                sink.write((*lead, *region), _stored(voxels, stored)[(None,) * len(index)])
        voxels_done = int(np.prod(image.full_shape))
    seconds = time.perf_counter() - begin
    log.info("%s: %d voxels in %.1f s (%.2f Mvoxel/s)", output, voxels_done, seconds, voxels_done / seconds / 1e6)
    return {"output": output, "voxels": voxels_done, "seconds": seconds}


def _parts(image: Any, repair: Any, block: tuple[int, int, int], name: str) -> Iterator[tuple[tuple[int, ...], Any, NDArray[np.float32]]]:
    """(time and channel, region, voxels) of everything."""
    from cellml.imaging.repairs.apply import repaired_blocks

    for index in np.ndindex(image.full_shape[:-3]):
        timed = image.axes[0] == "T"

        def read(region: Any, index: tuple[int, ...] = index, timed: bool = timed) -> NDArray[Any]:
            voxels = image.read(region, frame=index[0]) if timed else image.read(region)
            return np.asarray(voxels[index[1:] if timed else index])

        for region, voxels in repaired_blocks(read, image.shape, image.spacing, repair, block=block, name=name):
            yield index, region, voxels


def _stored(voxels: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind not in "iu":
        return voxels.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(voxels.astype(np.float64)), limits.min, limits.max).astype(dtype)
