"""Grey values to network input, one pair of numbers for a whole volume (a pair per patch would make seams)."""

from __future__ import annotations

from collections.abc import Iterable
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
        mean, std, bad = _moments(_channels(_read(image, slice(z, z + 1), frame)) for z in sections)
        if bad:
            raise _not_finite(bad, f"in the {len(sections)} of its {depth} sections that were looked at", name)
        if (std <= 1e-12 * np.abs(mean)).any():
            raise CellmlError(f"{name} is constant (every voxel looked at is {mean.flat[0]:g}); there is no image in it.")
        return cls(mean.astype(np.float32), std.astype(np.float32), name)

    def apply(self, voxels: NDArray[Any]) -> NDArray[np.float32]:
        """(z, y, x) or (C, z, y, x) of any dtype → (C, z, y, x) float32. Raises CellmlError for NaN or infinite voxels."""
        if np.issubdtype(voxels.dtype, np.floating):
            _require_finite(voxels, f"in a region of {voxels.shape[-3:]} voxels", self.name)
        normalised = (_channels(voxels).astype(np.float32) - self.shift) / self.scale
        return np.asarray(normalised, dtype=np.float32)


def _moments(sections: Iterable[NDArray[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Mean and standard deviation of each channel, (C, 1, 1, 1), and how many voxels are not finite, one section (C, 1, Y, X) at a time.

    Means and squared deviations of sections are merged pairwise (Chan, Golub and LeVeque 1983, eq. 2.1), which stays exact to rounding.
    """
    count, bad = 0, 0
    mean = squares = np.zeros((1, 1, 1, 1))
    with np.errstate(invalid="ignore"):  # what is not finite is counted, and refused by the caller
        for section in sections:
            values = section.astype(np.float64)
            bad += int((~np.isfinite(values)).sum())
            more = values[0].size
            own = values.mean(axis=(1, 2, 3), keepdims=True)
            step = own - mean
            values -= own
            squares = squares + (values * values).sum(axis=(1, 2, 3), keepdims=True) + step**2 * (count * more / (count + more))
            mean = mean + step * (more / (count + more))
            count += more
    return mean, np.sqrt(squares / count), bad


def _require_finite(voxels: NDArray[Any], where: str, name: str) -> None:
    finite = np.isfinite(voxels)
    if not finite.all():
        raise _not_finite(int((~finite).sum()), where, name)


def _not_finite(bad: int, where: str, name: str) -> CellmlError:
    return CellmlError(
        f"{name} holds {bad} NaN or infinite voxels {where}. Replace them (for example by the median) before use; "
        "`cellml check` lists where they are."
    )


def _channels(voxels: NDArray[Any]) -> NDArray[Any]:
    return voxels[None] if voxels.ndim == 3 else voxels


def _read(image: _Image, z: slice, frame: int | None) -> NDArray[Any]:
    region = (z, slice(0, image.shape[-2]), slice(0, image.shape[-1]))
    return image.read(region) if frame is None else image.read(region, frame=frame)  # type: ignore[call-arg]
