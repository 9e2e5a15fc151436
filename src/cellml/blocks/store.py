"""OME-Zarr stores that many processes fill, each chunk written by one of them, and that appear under their name when they are full."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.io.atomic import atomic_path, replace
from cellml.io.header import ImageHeader

_CHUNK = 128


def chunks_for(block: Sequence[int], shape: Sequence[int]) -> tuple[int, int, int]:
    """Chunks (z, y, x) that blocks share with no other: 128 voxels or fewer where that divides the block, else the block."""
    z, y, x = (
        _CHUNK if b >= n else next((c for c in range(min(b, _CHUNK), _CHUNK // 3, -1) if b % c == 0), b)
        for b, n in zip(block, shape, strict=True)
    )
    return (z, y, x)


def ready_store(folder: Path, header: ImageHeader, block: Sequence[int], note: Mapping[str, Any] | None = None) -> Path:
    """Make an empty store with an image, unless it is there, and return its folder; note: further attributes."""
    import zarr

    from cellml.io.ome_zarr import add_level

    if not folder.is_dir():
        with atomic_path(folder) as aside:
            group = zarr.open_group(aside, mode="w", zarr_format=3)
            add_level(group, header, chunks_for(block, header.shape[-3:]))
            group.attrs.update(dict(note or {}))
    return folder


def write_durably(folder: Path, region: Sequence[slice], block: NDArray[Any]) -> None:
    """Write whole chunks of a store and have them flushed to the disk. region: one slice for each axis."""
    import zarr

    array: Any = zarr.open_array(folder / "0", mode="r+")
    array[tuple(region)] = block
    places = [range(part.start // chunk, -(-part.stop // chunk)) for part, chunk in zip(region, array.chunks, strict=True)]
    for place in product(*places):
        _flush(folder.joinpath("0", "c", *map(str, place)))


def read_part(folder: Path, region: Sequence[slice]) -> NDArray[Any]:
    """A region of a store; region: one slice for each axis."""
    import zarr

    array: Any = zarr.open_array(folder / "0", mode="r")
    return np.asarray(array[tuple(region)])


def noted(folder: Path, key: str) -> Any:
    """An attribute of a store's image, None where there is no such store or attribute."""
    import json

    try:
        return json.loads((folder / "zarr.json").read_text(encoding="utf-8"))["attributes"].get(key)
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def publish(folder: Path, target: Path) -> None:
    """Give a full store its final name; one that was there before goes. What killed writers left in it is removed first."""
    for left in folder.rglob("*.partial"):
        left.unlink(missing_ok=True)
    replace(folder, target)


def _flush(path: Path) -> None:
    if not path.is_file():  # a chunk of zeros is not stored
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
