"""Grey values to network input, one pair of numbers for a whole volume (a pair per patch would make seams)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError


class _Image(Protocol):
    """What is needed of an opened image."""

    shape: Any
    dtype: Any
    axes: str
    name: str

    def read(self, region: Any = None) -> NDArray[Any]: ...


@dataclass(frozen=True)
class Normalisation:
    """(v − shift) / scale, the same for every voxel; shift and scale may be one number a channel, shape (C, 1, 1, 1)."""

    shift: NDArray[np.float32]
    scale: NDArray[np.float32]

    @classmethod
    def measure(cls, image: _Image, method: str = "volume", frame: int | None = None, slabs: int = 24) -> Normalisation:
        """The numbers for one image.

        method "volume": mean and standard deviation over up to `slabs` evenly spaced z-sections of the whole volume; "dtype": the range of
        an integer dtype to −1…1. Raises CellmlError for NaN or infinite voxels and for a constant image.
        """
        if method == "dtype":
            if not np.issubdtype(image.dtype, np.integer):
                raise CellmlError(
                    f"{image.name}: normalisation by dtype needs integer voxels, this image holds {image.dtype}; use data.normalisation=volume."
                )
            half = np.iinfo(image.dtype).max / 2
            return cls(np.float32(half), np.float32(half))  # type: ignore[arg-type]
        if method != "volume":
            raise CellmlError(f"data.normalisation is {method!r}; use 'volume' or 'dtype'.")
        depth = image.shape[-3]
        sections = np.unique(np.linspace(0, depth - 1, min(depth, slabs)).astype(int))
        samples = np.concatenate([_channels(_read(image, slice(z, z + 1), frame)) for z in sections], axis=1).astype(np.float64)
        if not np.isfinite(samples).all():
            raise CellmlError(
                f"{image.name} holds {int((~np.isfinite(samples)).sum())} NaN or infinite voxels in {len(sections)} of its {depth} sections. "
                f"Replace them (for example by the median) before use; `cellml check` lists where they are."
            )
        mean, std = samples.mean(axis=(1, 2, 3), keepdims=True), samples.std(axis=(1, 2, 3), keepdims=True)
        if (std == 0).any():
            raise CellmlError(f"{image.name} is constant (every voxel looked at is {samples.flat[0]:g}); there is no image in it.")
        return cls(mean.astype(np.float32), std.astype(np.float32))

    def apply(self, voxels: NDArray[Any]) -> NDArray[np.float32]:
        """(z, y, x) or (C, z, y, x) of any dtype → (C, z, y, x) float32."""
        normalised = (_channels(voxels).astype(np.float32) - self.shift) / self.scale
        return np.asarray(normalised, dtype=np.float32)


def _channels(voxels: NDArray[Any]) -> NDArray[Any]:
    return voxels[None] if voxels.ndim == 3 else voxels


def _read(image: _Image, z: slice, frame: int | None) -> NDArray[Any]:
    region = (z, slice(0, image.shape[-2]), slice(0, image.shape[-1]))
    return image.read(region) if frame is None else image.read(region, frame=frame)  # type: ignore[call-arg]
