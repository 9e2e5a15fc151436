"""Packed fibres behind membranes, a function of the place: any block of a volume of any size is made without the others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PITCH, _LENGTH = 40.0, 320.0  # voxels between membranes across and along fibres
_HALF = 2.5  # voxels of membrane on each side
SPACING = (10.0, 10.0, 10.0)


def tissue(region: tuple[slice, slice, slice], seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """Image (z, y, x), cytoplasm at 0.7 and membranes at 0.25 with noise of 0.12, and fibres (z, y, x), 0 in membranes, of a region.

    Fibres are the cells of a lattice that is bent by sines and broken along z at places that differ from fibre to fibre; each crosses many
    blocks. The noise is seeded by the region's first voxel.
    """
    z, y, x = (np.arange(part.start, part.stop, dtype=np.float32) for part in region)
    wave = 2 * np.pi * np.ones(1, np.float32)
    along_y = y[None, :, None] + 9 * np.sin(wave * z / 173)[:, None, None] + 5 * np.sin(wave * x / 131)[None, None, :]
    along_x = x[None, None, :] + 11 * np.sin(wave * z / 211)[:, None, None] + 4 * np.sin(wave * y / 97)[None, :, None]
    row, far_y = _cell(along_y, _PITCH)
    column, far_x = _cell(along_x, _PITCH)
    start = ((row * 73856093) ^ (column * 19349663)) & 255
    floor, far_z = _cell(z[:, None, None] + start.astype(np.float32), _LENGTH)
    depth = np.minimum(np.minimum(far_y, far_x), far_z)
    labels = (((floor + 1) * 4096 + row + 2) * 4096 + column + 2).astype(np.uint32)
    labels[depth < _HALF] = 0
    image = 0.25 + 0.45 * np.clip((depth - 1.0) / 2.0, 0, 1)
    rng = np.random.default_rng([seed, *(part.start for part in region)])
    image += np.float32(0.12) * rng.standard_normal(image.shape, np.float32)
    return image.astype(np.float32), labels


def _cell(place: NDArray[np.float32], pitch: float) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Number of the cell along an axis, and the distance to its nearer wall."""
    number = np.floor(place / np.float32(pitch))
    inside = place - number * np.float32(pitch)
    return number.astype(np.int32), np.minimum(inside, np.float32(pitch) - inside)


def write_volume(folder: Path, shape: tuple[int, int, int], block: int = 128) -> None:
    """`volume.zarr` (float32, without compression, for noise has nothing to compress) and `truth.zarr` of a shape, block by block."""
    import zarr

    from cellml.blocks.grid import Grid
    from cellml.io.header import ImageHeader
    from cellml.io.ome_metadata import ome_attributes

    stores: list[Any] = []
    for name, kind, compressors in (("volume", np.float32, None), ("truth", np.uint32, "auto")):
        group = zarr.open_group(folder / f"{name}.zarr", mode="w", zarr_format=3)
        label = None if name == "volume" else "instance"
        header = ImageHeader(shape, np.dtype(kind), "ZYX", SPACING, (0.0, 0.0, 0.0), name=name, kind=label)
        chunks = tuple(min(64, size) for size in shape)
        stores.append(group.create_array("0", shape=shape, chunks=chunks, dtype=kind, compressors=compressors, dimension_names=list("zyx")))
        group.attrs.update(ome_attributes(header, version="0.5"))
    grid = Grid(shape, (block, block, block))
    for number in range(len(grid)):
        region = grid.region(number)
        for store, voxels in zip(stores, tissue(region), strict=True):
            store[region] = voxels


if __name__ == "__main__":
    write_volume(Path(sys.argv[1]), (int(sys.argv[2]),) * 3)
