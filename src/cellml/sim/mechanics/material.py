"""Isotropic elastic materials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.space import Floats, by_region
from cellml.types import TetMesh


@dataclass(frozen=True)
class Elastic:
    """An isotropic elastic solid by its behaviour at small strain.

    young: Young's modulus E in Pa (= pN/µm²); poisson: Poisson's ratio ν. Raises SimulationError unless E > 0 and −1 < ν < 0.5; at ν near
    0.5 use elements of order 2, those of order 1 lock.
    """

    young: float
    poisson: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.young) and self.young > 0.0):
            raise SimulationError(f"Young's modulus is {self.young!r} Pa; it must be positive.")
        if not -1.0 < self.poisson < 0.5:
            raise SimulationError(
                f"Poisson's ratio is {self.poisson!r}; it must lie between −1 and 0.5 (0.5, an incompressible solid, has infinite λ: "
                "give 0.499 with elements of order 2)."
            )

    @property
    def lame(self) -> tuple[float, float]:
        """Lamé's λ = Eν / ((1 + ν)(1 − 2ν)) and μ = E / (2(1 + ν)), in Pa."""
        E, nu = self.young, self.poisson
        return E * nu / ((1.0 + nu) * (1.0 - 2.0 * nu)), E / (2.0 * (1.0 + nu))


Materials = Elastic | Mapping[str, Elastic]


def lame_by_tet(mesh: TetMesh, materials: Materials) -> tuple[Floats, Floats]:
    """λ and μ of each tetrahedron, two arrays (T,) in Pa. Raises SimulationError if a region has no material."""
    pairs = np.array([material.lame for material in by_region(mesh, materials, "The material")])
    return pairs[:, 0], pairs[:, 1]
