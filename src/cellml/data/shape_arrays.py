"""How shapes become arrays of equal size, and arrays shapes again: harmonic coefficients, or grids of distances.

A representation is part of a trained task's configuration, so that a checkpoint encodes new shapes exactly as it was trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.shape_grids import distance_grid, fitting_spacing, surface_of_grid
from cellml.errors import CellmlError
from cellml.types import Surface

if TYPE_CHECKING:
    from cellml.shapes.population import Population


_NEAR = 0.5  # voxels from the true surface within which a distance is an error of the surface


@dataclass(frozen=True, eq=False)
class ShapeArrays:
    """values: (N, C, …) float32, one array a shape; units: (N,) nm by which its values are multiplied to be lengths; frames: (N, F) numbers
    of the frame that the shape lies in, such as its depth below the cell's membrane; left_out: (name, reason) of shapes without any.
    """

    values: NDArray[np.float32]
    units: NDArray[np.float64]
    frames: NDArray[np.float64]
    left_out: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not np.isfinite(self.values).all() or not (self.units > 0).all():
            bad = np.flatnonzero(~np.isfinite(self.values.reshape(len(self.values), -1)).all(axis=1) | ~(self.units > 0))
            raise CellmlError(f"The arrays of {len(bad)} shapes are not finite (number {bad[0]} first); leave those shapes out.")


@dataclass(frozen=True)
class GridRepresentation:
    """Truncated signed distances on a grid that the shape fills, whose voxel size is the shape's own; for shapes of any genus.

    shape: voxels along (z, y, x); truncate: voxels; margin: free voxels at either end of the longest side; alignment: how shapes are turned
    (`cellml.shapes.alignment`), None to leave them as they lie; frame: measures the frame of each shape (`cellml.data.shape_frames`);
    stretch: along (z, y, x), how many times longer than others a length is in the images; a voxel is as long along each axis as this says
    times the unit, so that shapes which a microscope draws out along z fill the grid all the same. Distances are of the shape that is not
    drawn out. Raises CellmlError for a stretch that is not positive.
    """

    shape: Sequence[int] = (32, 32, 32)
    truncate: float = 4.0
    margin: int = 3
    alignment: Any = None
    frame: Any = None
    stretch: Sequence[float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if len(self.stretch) != len(self.shape) or not all(np.isfinite(s) and s > 0 for s in self.stretch):
            raise CellmlError(f"representation.stretch is three positive numbers along z, y, x, such as [3, 1, 1]; it is {self.stretch}.")

    def of(self, population: Population) -> ShapeArrays:
        """values: (N, 1, Z, Y, X) in voxels; units: nm a voxel, along an axis that is not stretched."""
        lying = population.surfaces if self.alignment is None else self.aligned(population)
        surfaces = [_scaled(surface, 1 / np.array(self.stretch, float)) for surface in lying]
        units = [fitting_spacing(surface, self.shape, self.margin) for surface in surfaces]
        grids = [distance_grid(s, self.shape, unit, truncate=self.truncate) for s, unit in zip(surfaces, units, strict=True)]
        return ShapeArrays(np.stack(grids)[:, None], np.array(units), frames_of(population, self.frame))

    def aligned(self, population: Population) -> Sequence[Surface]:
        """The surfaces, turned."""
        from cellml.shapes.alignment import align

        return align(population, self.alignment).population.surfaces

    def surface(self, values: NDArray[np.floating], unit: float, name: str = "shape") -> Surface:
        """(1, Z, Y, X) → its largest body in nm about the origin. Raises CellmlError where nothing is inside."""
        from cellml.shapes.one_body import one_body

        return _scaled(surface_of_grid(one_body(values[0], name)[0], unit, name=name), np.array(self.stretch, float))

    def scores(self, predicted: NDArray[np.floating], true: NDArray[np.floating], units: NDArray[np.floating]) -> dict[str, float]:
        """Means over shapes: `surface_nm`, |d̂| at voxels within half a voxel of the true surface, and `iou` of the insides.

        predicted, true: (N, 1, Z, Y, X) voxels; units: (N,) nm a voxel.
        """
        near = np.abs(true) < _NEAR
        off = np.where(near, np.abs(predicted - true), 0).sum(axis=(1, 2, 3, 4)) / np.maximum(near.sum(axis=(1, 2, 3, 4)), 1)
        both, either = ((predicted < 0) & (true < 0)).sum(axis=(1, 2, 3, 4)), ((predicted < 0) | (true < 0)).sum(axis=(1, 2, 3, 4))
        return {"surface_nm": float((off * units).mean()), "iou": float((both / np.maximum(either, 1)).mean())}


@dataclass(frozen=True)
class HarmonicRepresentation:
    """Vector-valued harmonic coefficients of aligned shapes with parameters in correspondence, in nm; for shapes of genus 0.

    degree: L; alignment: how shapes are brought into one frame (`cellml.shapes.alignment.Alignment`), None for its defaults; frame:
    measures the frame of each shape (`cellml.data.shape_frames`); mean: (3, (L+1)²) of the shapes that were learned from, onto which
    parameters are turned (`onto`), None for the mean of the shapes themselves.
    """

    degree: int = 10
    alignment: Any = None
    frame: Any = None
    mean: Any = None

    def onto(self, mean: NDArray[np.floating]) -> HarmonicRepresentation:
        """The same, with parameters in correspondence with a mean shape (3, (L+1)²), whatever its scale; for shapes that come later."""
        return replace(self, mean=np.asarray(mean, np.float64))

    def of(self, population: Population) -> ShapeArrays:
        """values: (N, 3, (L+1)²) nm; units: 1. Raises CellmlError, naming them, where shapes are no deformed spheres."""
        return self._arrays(population, skip=False)

    def learnable(self, population: Population) -> ShapeArrays:
        """As `of`, without the shapes that are no deformed spheres, which are named with the reason."""
        return self._arrays(population, skip=True)

    def _arrays(self, population: Population, *, skip: bool) -> ShapeArrays:
        from cellml.shapes.alignment import Alignment
        from cellml.shapes.correspondence import AlignedCoefficients, aligned_coefficients

        empty = np.zeros((0, 3 * (self.degree + 1) ** 2))
        reference = None if self.mean is None else AlignedCoefficients(empty, (), (), np.zeros(0), self.mean, ())
        found = aligned_coefficients(population, self.degree, self.alignment or Alignment(), reference=reference, skip=skip)
        values = np.asarray(found.values, np.float32).reshape(len(found.names), 3, -1)
        kept = population.select([population.names.index(name) for name in found.names])
        return ShapeArrays(values, np.ones(len(kept)), frames_of(kept, self.frame), found.left_out)

    def surface(self, values: NDArray[np.floating], unit: float, name: str = "shape") -> Surface:
        """(3, (L+1)²) → the surface over a geodesic sphere, in nm about the origin."""
        from cellml.shapes.harmonics.coefficients import Harmonics

        return Harmonics(unit * np.asarray(values, np.float64), np.zeros(3), name).surface()

    def scores(self, predicted: NDArray[np.floating], true: NDArray[np.floating], units: NDArray[np.floating]) -> dict[str, float]:
        """Mean over shapes of the root mean square distance of corresponding points, `surface_nm`: ‖ĉ − c‖ / √4π.

        predicted, true: (N, 3, (L+1)²); units: (N,) nm.
        """
        off = np.sqrt(((predicted - true) ** 2).sum(axis=(1, 2)) / (4 * np.pi)) * units
        return {"surface_nm": float(off.mean())}


def _scaled(surface: Surface, factors: NDArray[np.float64]) -> Surface:
    """The surface with its lengths along (z, y, x) times `factors`."""
    return Surface(surface.vertices * factors[::-1], surface.faces, surface.name)


def frames_of(population: Population, frame: Any) -> NDArray[np.float64]:
    """(N, F) numbers that `frame` measures of each shape; F = 0 where it is None."""
    return np.zeros((len(population), 0)) if frame is None else np.asarray(frame(population), float)
