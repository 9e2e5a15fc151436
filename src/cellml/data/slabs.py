"""Images walked through slab by slab, so that a volume larger than the memory can be looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.memory import require_memory
from cellml.types import Labels, Triple, Volume

_SLAB_VOXELS = 2**24
_WORK = 8  # bytes a voxel of what looks at a slab: its statistics are taken in float64


class Opened(Protocol):
    """An image whose frame is known and whose voxels are read when asked for; `cellml.io.open_image` returns one."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def spacing(self) -> Triple:
        """Voxel size (z, y, x) in nm."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored."""

    def read(self, region: tuple[slice, slice, slice]) -> NDArray[Any]:
        """Voxels of a region (z, y, x), with C and T in front where the image has them."""


@dataclass(frozen=True)
class _InMemory:
    """A noun of cellml seen as an opened image."""

    data: NDArray[Any]
    spacing: Triple
    name: str
    kind: str | None = None
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        z, y, x = self.data.shape[-3:]
        return (z, y, x)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.data.dtype

    def read(self, region: tuple[slice, slice, slice]) -> NDArray[Any]:
        return np.asarray(self.data[..., region[0], region[1], region[2]])


def opened(image: Volume | Labels | Opened) -> Opened:
    """The image itself if it is an opened one; a Volume or Labels as one."""
    if isinstance(image, Labels):
        return _InMemory(image.data, image.spacing, image.name, image.kind, image.names)
    return _InMemory(image.data, image.spacing, image.name) if isinstance(image, Volume) else image


def slabs(image: Opened, *, voxels: int = _SLAB_VOXELS) -> Iterator[tuple[int, NDArray[Any]]]:
    """First section z and voxels (N, z, y, x) of each slab in order of z; N counts channels and times together.

    A slab holds about `voxels` voxels of one channel, and at least one section. Raises CellmlError where looking at a section takes more
    than the free memory.
    """
    depth, height, width = image.shape
    step = max(1, voxels // (height * width))
    work = height * width * (2 * image.dtype.itemsize + _WORK)
    require_memory(work, f"Looking at a section of {height} × {width} voxels of {image.name}", "Cut it into smaller parts.")
    for start in range(0, depth, step):
        block = image.read((slice(start, min(start + step, depth)), slice(0, height), slice(0, width)))
        yield start, block.reshape(-1, *block.shape[-3:])
