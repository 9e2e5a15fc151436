"""A shape as coefficients of spherical harmonics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.harmonics.basis import degree_of, real_harmonics
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.types import Surface

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Harmonics:
    """Coefficients of the real orthonormal harmonics of `cellml.shapes.harmonics.basis`, index l² + l + m.

    values: (1, (L+1)²): the radius r(n) = Σ c_lm y_lm(n) about the centre, of star shapes; or (3, (L+1)²): x, y and z relative to the
    centre, x(n) = centre + Σ c_lm y_lm(n), of any shape of genus 0; nm. centre: (3,) nm. Raises CellmlError for other shapes of arrays,
    incomplete sets, and values that are not finite.
    """

    values: Floats
    centre: Floats
    name: str = "shape"

    def __post_init__(self) -> None:
        values, centre = np.asarray(self.values, np.float64), np.asarray(self.centre, np.float64).reshape(-1)
        if values.ndim != 2 or len(values) not in (1, 3) or centre.shape != (3,):
            raise CellmlError(
                f"{self.name!r} needs coefficients of shape (1 or 3, (L + 1)²) and a centre (3,), got {values.shape} and {centre.shape}."
            )
        degree_of(values.shape[1])
        wrong = ~np.isfinite(values)
        if wrong.any() or not np.isfinite(centre).all():
            where = np.argwhere(wrong)[0].tolist() if wrong.any() else "its centre"
            raise CellmlError(
                f"{self.name!r} has {int(wrong.sum())} harmonic coefficients that are NaN or infinite, of {values.size} (first: {where}). "
                "Fit it again, or leave it out."
            )
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "centre", centre)

    @property
    def degree(self) -> int:
        """The highest degree L."""
        return degree_of(self.values.shape[1])

    @property
    def is_star(self) -> bool:
        """Whether the one component is a radius."""
        return len(self.values) == 1

    def at(self, directions: Floats) -> Floats:
        """Points of the surface over directions (D, 3) of length 1, (D, 3) in nm."""
        found = real_harmonics(directions, self.degree) @ self.values.T
        return np.asarray(self.centre + (found * directions if self.is_star else found))

    def surface(self, level: int = 4) -> Surface:
        """The shape over a geodesic sphere of 20 · 4^level faces; faces are outwards as they are on the sphere."""
        directions, faces = geodesic_sphere(level)
        return Surface(self.at(directions), faces, name=self.name)

    def truncated(self, degree: int) -> Harmonics:
        """The coefficients up to a degree only, or with zeros up to a higher one."""
        count = (degree + 1) ** 2
        kept = self.values[:, :count]
        return Harmonics(np.pad(kept, ((0, 0), (0, count - kept.shape[1]))), self.centre, self.name)
