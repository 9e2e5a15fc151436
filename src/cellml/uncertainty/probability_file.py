"""Probability volumes as files: opened, and refused where they hold no probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError

_SLACK = 1e-3  # rounding of float16 and of blended tiles
_SLAB_VOXELS = 2**22


@dataclass(frozen=True)
class ProbabilityFile:
    """shape: (Z, Y, X); spacing, origin: (z, y, x) in nm; channels: K, 1 for a foreground probability without a channel axis."""

    source: Any
    name: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        z, y, x = self.source.shape
        return (z, y, x)

    @property
    def channels(self) -> int:
        """Channels of the volume."""
        return len(self.source.channels) or 1

    def slabs(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """z-range and (K, n, Y, X) float32 in [0, 1], from the top; bytes count as n/255.

        Raises CellmlError for values outside 0 to 1, naming the range and where.
        """
        depth, height, width = self.shape
        step = max(1, _SLAB_VOXELS // (height * width * self.channels))
        for start in range(0, depth, step):
            z = slice(start, min(start + step, depth))
            yield z, self._checked(self.source.read((z, slice(0, height), slice(0, width))), z)

    def _checked(self, block: NDArray[Any], z: slice) -> NDArray[np.float32]:
        block = block[None] if block.ndim == 3 else block
        if block.dtype == np.uint8:
            return np.asarray(block, np.float32) / np.float32(255)
        low, high = float(block.min()), float(block.max())
        if not (low >= -_SLACK and high <= 1 + _SLACK):
            raise CellmlError(
                f"{self.name} holds values from {low:g} to {high:g} in sections {z.start} to {z.stop - 1}; probabilities lie between "
                "0 and 1. Is it an image, or a map of logits (apply a sigmoid or softmax first) or of percent (divide by 100)?"
            )
        return np.clip(block, 0, 1).astype(np.float32)


@contextmanager
def open_probabilities(path: str, spacing_nm: Sequence[float] | None = None) -> Iterator[ProbabilityFile]:
    """Open (K, Z, Y, X) or (Z, Y, X) probabilities. Raises CellmlError for a time axis, and as `cellml.io.open_image`.

    Four axes that the file does not name are taken for (K, Z, Y, X).
    """
    from cellml.io import open_image

    try:
        opened = open_image(path, spacing_nm=spacing_nm, usual="probabilities")
    except FileError:
        raise
    except CellmlError:
        opened = open_image(path, spacing_nm=spacing_nm, usual="probabilities", axes="CZYX")
    with opened as source:
        if "T" in source.axes:
            raise CellmlError(f"{path} has a time axis ({source.axes}); give one frame.")
        yield ProbabilityFile(source, path)


def require_classes(block: NDArray[np.float32], name: str) -> None:
    """Raise CellmlError unless the channels (K > 1) of a block sum to 1, as those of exclusive classes do."""
    worst = float(np.abs(block.sum(axis=0) - 1).max())
    if len(block) > 1 and worst > 0.02:
        raise CellmlError(
            f"The {len(block)} channels of {name} do not sum to 1 (off by up to {worst:.2f}), so they are no class probabilities. "
            "Affinities and boundaries need their decoder: use cellml infer … samples=N."
        )
