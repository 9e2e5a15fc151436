"""From a tilt series to a volume by any method, slab of rows by slab of rows."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.errors import CellmlError
from cellml.tomography.axis import axis_along_y
from cellml.tomography.geometry import Rays, rays
from cellml.types import TiltSeries, Volume

# Rows y at a time: many enough to share the cost of the weights, few enough that what a method holds of them stays below half a gigabyte.
_MOST_ROWS, _LEAST_ROWS, _BYTES = 128, 8, 1 << 29


class Method(Protocol):
    """A way to reconstruct."""

    @property
    def halo(self) -> int:
        """Rows on both sides that a slab needs for its own rows to come out as in the whole."""
        ...

    def __call__(self, lines: Tensor, rays: Rays) -> Tensor:
        """Projections (N, width, K) to sections (Z, X, K), in any unit of value."""
        ...


def reconstruct(series: TiltSeries, thickness: int, method: Method, *, rows: int | None = None, device: str = "cpu") -> Volume:
    """Reconstruct a series; images whose tilt axis does not run along Y are turned first.

    thickness: voxels along z; rows: y at a time (None: as many as fit half a gigabyte, 128 at most); device: of torch. Returns (Z, Y, X)
    float32 in value per voxel, with cubic voxels of the series' pixel. Raises CellmlError for values that are not finite, a thickness
    beyond the field of view and rows below 1.
    """
    check_values(series)
    series = axis_along_y(series) if series.axis_angle else series
    check_thickness(thickness, series)
    unit = value_unit(series.data, thickness)
    volume = np.empty((thickness, *series.data.shape[1:]), np.float32)
    for kept, reach, inner in slabs(series.data.shape[1], rows_at_a_time(thickness, series.data.shape[2], rows), method.halo):
        volume[:, kept] = sections(series.data[:, reach], series.tilts, thickness, method, unit=unit, device=device)[:, inner]
    return Volume(volume, (series.pixel,) * 3, name=series.name)


def rows_at_a_time(thickness: int, breadth: int, asked: int | None = None) -> int:
    """Rows of a slab: as asked, or as many as keep eight arrays of (thickness, rows, breadth) float32 in half a gigabyte, from 8 to 128."""
    return asked if asked is not None else int(np.clip(_BYTES // (32 * thickness * breadth), _LEAST_ROWS, _MOST_ROWS))


def sections(
    data: NDArray[Any], tilts: NDArray[np.float64], thickness: int, method: Method, *, unit: float = 1.0, device: str = "cpu"
) -> NDArray[np.float32]:
    """Rows of projections (N, Y, X) to (Z, Y, X) float32. The method sees them divided by `unit`."""
    lines = torch.from_numpy(np.ascontiguousarray(np.swapaxes(data, 1, 2), np.float32)).to(device) / unit
    columns = method(lines, rays(tilts, depth=thickness, breadth=data.shape[2])) * unit
    return np.asarray(columns.cpu().numpy().transpose(0, 2, 1))


def slabs(size: int, rows: int, halo: int) -> list[tuple[slice, slice, slice]]:
    """(rows of the result, rows to read, the former within the latter) of slabs that cover `size` rows. Raises CellmlError for rows < 1."""
    if rows < 1:
        raise CellmlError(f"A slab needs at least 1 row, got rows={rows!r}.")
    found = []
    for start in range(0, size, rows):
        stop = min(start + rows, size)
        first, last = max(0, start - halo), min(size, stop + halo)
        found.append((slice(start, stop), slice(first, last), slice(start - first, stop - first)))
    return found


def value_unit(data: NDArray[Any], thickness: int) -> float:
    """A typical difference between voxels, judged by the projections: their standard deviation over √thickness; 1 for constant ones.

    Integrals over `thickness` unlike voxels vary √thickness times as much as the voxels do. Weights are in this unit, so that they mean the
    same for counts, for optical densities and for whatever a camera writes.
    """
    return unit_of(float(np.mean([np.var(projection, dtype=np.float64) for projection in data])), thickness)


def unit_of(variance: float, thickness: int) -> float:
    """The unit of `value_unit` from the mean variance within projections."""
    return float(np.sqrt(variance / thickness)) if variance > 0 else 1.0


def check_thickness(thickness: int, series: TiltSeries) -> None:
    """Raise CellmlError for a thickness that is no number of voxels, or more than the field of view."""
    width = series.data.shape[2]
    if not isinstance(thickness, int | np.integer) or thickness < 1:
        raise CellmlError(f"The thickness of a reconstruction must be a whole number of voxels, at least 1; got {thickness!r}.")
    if thickness > width:
        raise CellmlError(
            f"A volume of {thickness} voxels ({thickness * series.pixel:g} nm) is thicker than the field of view of {series.name!r}, "
            f"{width} pixels ({width * series.pixel:g} nm): most of it no tilted ray would cross. Give a thickness of at most {width}."
        )


def check_values(series: TiltSeries) -> None:
    """Raise CellmlError for values that are not finite numbers, with the projections and columns where they are."""
    for number, projection in enumerate(series.data):
        bad = ~np.isfinite(projection)
        if bad.any():
            columns = np.flatnonzero(bad.any(axis=0))
            raise CellmlError(
                f"Projection {number} ({series.angles[number]:g}°) of {series.name!r} has {int(bad.sum())} values that are NaN or "
                f"infinite, in {len(columns)} columns from {columns[0]} to {columns[-1]}. Read the series with fill=true, which "
                f"replaces them by their neighbours, or with exclude=[{number}]."
            )
