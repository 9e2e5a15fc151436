"""Molecules set free at one moment, as a load on the test functions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cellml.sim.domain import UM_PER_NM
from cellml.sim.engine.space import Space, cell_sizes
from cellml.sim.engine.system import System, Vector
from cellml.sim.errors import SimulationError
from cellml.sim.model import Release


def release_load(system: System, values: Mapping[str, float]) -> Vector | None:
    """b_i = ∫ (released molecules) φ_i, (N,), Σ b = their number; None if the model releases nothing.

    Raises SimulationError for a place that the species does not reach, and NoPlaceError for an automatic choice without an answer.
    """
    if not system.model.releases:
        return None
    load = np.zeros(system.size)
    for release in system.model.releases:
        load[system.slices[release.species]] += float(release.amount.evaluate(values)) * release_share(system, release)
    return load


def release_share(system: System, release: Release) -> Vector:
    """The share of each node (N_s,) of the species in a release: Σ = 1."""
    space, cells = system.space_of(release.species), release_cells(system, release)
    if cells is None:
        assert not isinstance(release.at, str)
        return _at_point(space, release, release.at)
    local = space.local(cells.ravel()).reshape(cells.shape)
    if (local < 0).any():
        raise SimulationError(f"{release.where}: {release.species} does not live at all points of {release.at}; release it where it lives.")
    sizes, corners = cell_sizes(system.places.points, cells), cells.shape[1]
    return np.bincount(local.ravel(), np.repeat(sizes / corners, corners), minlength=len(space.nodes)) / sizes.sum()


def release_cells(system: System, release: Release) -> NDArray[np.int64] | None:
    """The facets (F, 3), or the tetrahedra (C, 4) of its compartment, that a release is spread over evenly; None for a point."""
    if not isinstance(release.at, str):
        return None
    if release.at in system.model.compartments and system.model.species[release.species].place == release.at:
        return system.space_of(release.species).corners
    return system.places.facets(release.at, release.where)


def _at_point(space: Space, release: Release, at: tuple[float, float, float]) -> Vector:
    corners, weights = barycentric(space, np.array(at) * UM_PER_NM)
    if weights.min() < -1e-9:
        nearest = float(np.linalg.norm(space.coordinates - np.array(at) * UM_PER_NM, axis=1).min()) / UM_PER_NM
        raise SimulationError(
            f"{release.where}: the point {at} nm is outside of where {release.species} lives; the nearest corner there is "
            f"{nearest:.0f} nm away."
        )
    load = np.zeros(len(space.nodes))
    load[corners] = np.clip(weights, 0.0, None) / np.clip(weights, 0.0, None).sum()
    return load


def barycentric(space: Space, point: Vector) -> tuple[np.ndarray, Vector]:
    """Nodes (4,) of the tetrahedron that holds a point (3,) in µm, or comes nearest to it, and its barycentric coordinates there (4,)."""
    corners = space.coordinates[space.cells]
    edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    last = np.linalg.solve(edges, (point - corners[:, 0])[:, :, None])[:, :, 0]
    weights = np.column_stack([1.0 - last.sum(axis=1), last])
    best = int(weights.min(axis=1).argmax())
    return space.cells[best], weights[best]
