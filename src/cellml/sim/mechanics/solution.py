"""Displacement, strain and stress of a loaded body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cellml.sim.mechanics.space import Floats, Space


@dataclass(frozen=True)
class NewtonStep:
    """One converged load step: fraction of the loads, and the residual (relative to the internal forces) before each Newton iteration and
    after the last.
    """

    fraction: float
    residuals: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ElasticSolution:
    """A body at rest under its loads.

    space: the elements; nodal: (N, 3) displacement of their nodes in µm; strain: (T, 3, 3) mean strain of each tetrahedron (ε = sym ∇u, or
    Green–Lagrange's E = (FᵀF − I)/2 for neo-Hookean); stress: (T, 3, 3) mean Cauchy stress in Pa; energy: in pN·µm (= 1e-18 J);
    reactions: force (3,) in pN by which each displaced facet set holds the body; loads: force (3,) in pN of each loaded facet set;
    imbalance: largest nodal force that nothing balances, relative to the largest nodal force; history: load steps, if neo-Hookean.
    """

    space: Space
    nodal: Floats
    strain: Floats
    stress: Floats
    energy: float
    reactions: Mapping[str, Floats]
    loads: Mapping[str, Floats]
    imbalance: float
    history: tuple[NewtonStep, ...] = ()

    @property
    def displacement(self) -> Floats:
        """Displacement at the points of the mesh, (P, 3) in µm, NaN at points of no tetrahedron."""
        return self.space.everywhere(self.nodal)

    def von_mises(self) -> Floats:
        """√(3/2 s:s) of the stress deviator s in each tetrahedron, (T,) in Pa."""
        mean = np.trace(self.stress, axis1=1, axis2=2) / 3.0
        deviator = self.stress - mean[:, None, None] * np.eye(3)
        return np.asarray(np.sqrt(1.5 * (deviator**2).sum(axis=(1, 2))))

    def at_points(self, values: Floats) -> Floats:
        """Values of tetrahedra (T, …) averaged by volume at the points of the mesh, (P, …), NaN at points of no tetrahedron."""
        tets, volume = self.space.mesh.tets, self.space.weights.sum(axis=1)
        flat = values.reshape(len(tets), -1)
        total, weight = np.zeros((len(self.space.mesh.points), flat.shape[1])), np.zeros(len(self.space.mesh.points))
        np.add.at(total, tets, (flat * volume[:, None])[:, None, :])
        np.add.at(weight, tets, volume[:, None])
        mean = np.full_like(total, np.nan)
        mean[weight > 0] = total[weight > 0] / weight[weight > 0, None]
        return np.asarray(mean.reshape(len(total), *values.shape[1:]))


def tet_mean(space: Space, values: Floats) -> Floats:
    """Mean over each tetrahedron of values (T, Q, 3, 3) at the quadrature points, (T, 3, 3)."""
    return np.asarray(np.einsum("tq,tqij->tij", space.weights, values) / space.weights.sum(axis=1)[:, None, None])
