"""Where shapes lie in the frame of their cell: numbers that shape models are conditioned on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellml.surfaces.winding import closest_points, winding_number
from cellml.types import Surface

if TYPE_CHECKING:
    from cellml.shapes.population import Population

NAMES = ("depth", "tilt")


@dataclass(frozen=True)
class CellFrame:
    """Of each shape: `depth`, its centroid's depth below the cell's membrane, nm; `tilt`, |cos| of the angle between its longest axis and
    the membrane's normal there (1: it stands upright on the membrane, 0: it lies along it).

    cell: a file of the cell's closed surface, in the frame of the shapes, or the surface; unit: of a file that names none.
    """

    cell: str | Surface
    unit: str | None = None

    def __call__(self, population: Population) -> NDArray[np.float64]:
        """(N, 2), columns as in `NAMES`; depths of shapes outside are negative."""
        cell = self._surface()
        centres = np.stack([_centre(surface) for surface in population.surfaces])
        distance, _, foot = closest_points(cell.vertices, cell.faces, centres)
        inside = winding_number(cell.vertices, cell.faces, centres) >= 0.5
        normal = (centres - foot) / np.maximum(distance, 1e-9)[:, None]
        axes = np.stack([longest_axis(surface) for surface in population.surfaces])
        tilt = np.abs((normal * axes).sum(axis=1))
        return np.stack([np.where(inside, distance, -distance), tilt], axis=1)

    def _surface(self) -> Surface:
        if isinstance(self.cell, Surface):
            return self.cell
        from cellml.io import read_surface

        return read_surface(Path(self.cell), unit=self.unit)


def longest_axis(surface: Surface) -> NDArray[np.float64]:
    """Unit vector (3,) along which the faces' middles, weighted by area, spread most; its sign is arbitrary."""
    areas = surface.areas()
    middles = surface.vertices[surface.faces].mean(axis=1) - _centre(surface)
    spread = (middles * areas[:, None]).T @ middles
    return np.asarray(np.linalg.eigh(spread)[1][:, -1])


def _centre(surface: Surface) -> NDArray[np.float64]:
    """Area-weighted centroid of the surface, (3,) nm."""
    return np.asarray(np.average(surface.vertices[surface.faces].mean(axis=1), axis=0, weights=surface.areas()))
