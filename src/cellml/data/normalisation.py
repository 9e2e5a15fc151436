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
    name: str = "the image"

    @classmethod
    def measure(
        cls, image: _Image, method: str = "volume", frame: int | None = None, slabs: int = 24, name: str | None = None
    ) -> Normalisation:
        """The numbers for one image.

        method "volume": mean and standard deviation over up to `slabs` evenly spaced z-sections of the whole volume; "dtype": the range of
        an integer dtype to −1…1; name: what messages call the image. Raises CellmlError for NaN or infinite voxels and for a constant
        image.
        """
        name = name or image.name
        if method == "dtype":
            if not np.issubdtype(image.dtype, np.integer):
                raise CellmlError(
                    f"{name}: normalisation by dtype needs integer voxels, this image holds {image.dtype}; use data.normalisation=volume."
                )
            low, high = float(np.iinfo(image.dtype).min), float(np.iinfo(image.dtype).max)
            return cls(np.float32((high + low) / 2), np.float32((high - low) / 2), name)  # type: ignore[arg-type]
        if method != "volume":
            raise CellmlError(f"data.normalisation is {method!r}; use 'volume' or 'dtype'.")
        depth = image.shape[-3]
        sections = np.unique(np.linspace(0, depth - 1, min(depth, slabs)).astype(int))
        samples = np.concatenate([_channels(_read(image, slice(z, z + 1), frame)) for z in sections], axis=1).astype(np.float64)
        _require_finite(samples, f"in {len(sections)} of its {depth} sections", name)
        mean, std = samples.mean(axis=(1, 2, 3), keepdims=True), samples.std(axis=(1, 2, 3), keepdims=True)
        if (std <= 1e-12 * np.abs(mean)).any():
            raise CellmlError(f"{name} is constant (every voxel looked at is {samples.flat[0]:g}); there is no image in it.")
        return cls(mean.astype(np.float32), std.astype(np.float32), name)

    def apply(self, voxels: NDArray[Any]) -> NDArray[np.float32]:
        """(z, y, x) or (C, z, y, x) of any dtype → (C, z, y, x) float32. Raises CellmlError for NaN or infinite voxels."""
        if np.issubdtype(voxels.dtype, np.floating):
            _require_finite(voxels, f"in a region of {voxels.shape[-3:]} voxels", self.name)
        normalised = (_channels(voxels).astype(np.float32) - self.shift) / self.scale
        return np.asarray(normalised, dtype=np.float32)


def _require_finite(voxels: NDArray[Any], where: str, name: str) -> None:
    finite = np.isfinite(voxels)
    if not finite.all():
        raise CellmlError(
            f"{name} holds {int((~finite).sum())} NaN or infinite voxels {where}. Replace them (for example by the median) before use; "
            "`cellml check` lists where they are."
        )


def _channels(voxels: NDArray[Any]) -> NDArray[Any]:
    return voxels[None] if voxels.ndim == 3 else voxels


def _read(image: _Image, z: slice, frame: int | None) -> NDArray[Any]:
    region = (z, slice(0, image.shape[-2]), slice(0, image.shape[-1]))
    return image.read(region) if frame is None else image.read(region, frame=frame)  # type: ignore[call-arg]
