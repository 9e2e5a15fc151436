"""Populations made by code, and the simplest representation, for tests of shape models."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellml.data.shape_arrays import ShapeArrays
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.shapes.harmonics.star import fit_star
from cellml.shapes.population import Population
from cellml.types import Surface


def ellipsoids(count: int = 48, seed: int = 0, classes: tuple[str, ...] = ("",)) -> Population:
    """Ellipsoids whose axes are log-normal about 300 nm, in six groups."""
    random = np.random.default_rng(seed)
    directions, faces = geodesic_sphere(2)
    axes = 300 * np.exp(random.normal(0, 0.2, (count, 3)) + random.normal(0, 0.2, (count, 1)))
    surfaces = tuple(Surface(directions * one, faces, f"e{n}") for n, one in enumerate(axes))
    names = tuple(surface.name for surface in surfaces)
    return Population(names, surfaces, tuple(f"g{n % 6}" for n in range(count)), tuple(classes[n % len(classes)] for n in range(count)))


class Stars:
    """Radii as harmonics of degree 4, without alignment."""

    def of(self, population: Population) -> ShapeArrays:
        """values: (N, 1, 25) nm."""
        values = np.stack([fit_star(surface, 4).values for surface in population.surfaces]).astype(np.float32)
        return ShapeArrays(values, np.ones(len(population)), np.zeros((len(population), 0)))

    def surface(self, values: Any, unit: float, name: str = "shape") -> Surface:
        """(1, 25) → surface."""
        return Harmonics(unit * np.asarray(values, float), np.zeros(3), name).surface(3)

    def scores(self, predicted: Any, true: Any, units: Any) -> dict[str, float]:
        """Root mean square of radii."""
        return {"surface_nm": float(np.sqrt(((predicted - true) ** 2).sum(axis=(1, 2)) / (4 * np.pi)).mean())}
