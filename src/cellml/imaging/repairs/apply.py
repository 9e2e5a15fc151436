"""Filters and repairs on volumes: in memory, or from file to file when they are larger than it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.imaging.repairs.sections import Sections
from cellml.types import Triple, Volume

Region = tuple[slice, slice, slice]
ReadRegion = Callable[[Region], NDArray[Any]]


def repair_volume(volume: Volume, repair: Any) -> Volume:
    """The whole volume (Z, Y, X) repaired at once, as float32.

    repair: a filter of voxels (called with an image and its spacing) or of sections (with `prepare`).
    """
    if volume.axes != "ZYX":
        raise CellmlError(f"{volume.name} has the axes {volume.axes}; give one channel of one time, with the axes ZYX.")
    image = np.asarray(volume.data, np.float32)
    if hasattr(repair, "prepare"):
        section = repair.prepare(Sections.of(image, volume.spacing, volume.name))
        return replace(volume, data=np.stack([section(z) for z in range(len(image))]))
    return replace(volume, data=repair(image, volume.spacing))


def repaired_blocks(
    read: ReadRegion, shape: tuple[int, int, int], spacing: Triple, repair: Any, *, block: tuple[int, int, int], name: str = "the image"
) -> Iterator[tuple[Region, NDArray[np.float32]]]:
    """Repaired regions one after another, covering the volume once.

    read(region): voxels (z, y, x); block: voxels of a region; each is read with the filter's halo around it, which is cut off again, so
    that regions fit together without seams. Repairs of sections come section by section, whatever the block. Memory is bounded by a block
    with its halo, or a few sections.
    """
    z, y, x = shape
    if hasattr(repair, "prepare"):
        whole = (slice(0, y), slice(0, x))
        section = repair.prepare(Sections(lambda n: np.asarray(read((slice(n, n + 1), *whole))[0], np.float32), z, spacing, name))
        for n in range(z):
            yield (slice(n, n + 1), *whole), section(n)[None]
        return
    if hasattr(repair, "measured"):
        repair = repair.measured(deviation(read, shape, name))
    halo = repair.halo(spacing)
    for region in _regions(shape, block):
        wide = tuple(slice(max(0, s.start - h), min(n, s.stop + h)) for s, h, n in zip(region, halo, shape, strict=True))
        done = repair(np.asarray(read(wide), np.float32), spacing)  # type: ignore[arg-type]
        yield region, done[tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(region, wide, strict=True))]


def deviation(read: ReadRegion, shape: tuple[int, int, int], name: str = "the image") -> float:
    """Standard deviation over the whole volume, section by section. Raises CellmlError for NaN and infinite voxels."""
    depth, height, width = shape
    count, mean, squares = 0, 0.0, 0.0
    for z in range(depth):
        section = np.asarray(read((slice(z, z + 1), slice(0, height), slice(0, width))), np.float64)
        n, m, s = section.size, float(section.mean()), float(section.var()) * section.size
        squares += s + (m - mean) ** 2 * count * n / (count + n)
        count, mean = count + n, mean + (m - mean) * n / (count + n)
    if not np.isfinite(squares):
        raise CellmlError(f"{name} holds NaN or infinite voxels; replace them first (`cellml check` lists where they are).")
    return float(np.sqrt(squares / count))


def _regions(shape: tuple[int, int, int], block: tuple[int, int, int]) -> Iterator[Region]:
    starts = [range(0, n, b) for n, b in zip(shape, block, strict=True)]
    for z in starts[0]:
        for y in starts[1]:
            for x in starts[2]:
                yield tuple(slice(s, min(s + b, n)) for s, b, n in zip((z, y, x), block, shape, strict=True))  # type: ignore[misc]
