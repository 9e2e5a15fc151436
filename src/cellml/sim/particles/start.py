"""Where particles are at the beginning, and where those begin that enter through a triangle."""

from __future__ import annotations

import numpy as np

from cellml.sim.domain import UM_PER_NM
from cellml.sim.engine.release import release_cells, release_share
from cellml.sim.errors import SimulationError
from cellml.sim.model import Release
from cellml.sim.particles.anatomy import Anatomy
from cellml.sim.particles.cells import Cells, Floats, Index, chosen, uniform_points
from cellml.sim.particles.copies import whole
from cellml.sim.particles.swarm import Swarm, nobody, together
from cellml.sim.particles.target import numbers_among
from cellml.sim.particles.tracing import trace


def beginning(anatomy: Anatomy, replicas: int, rng: np.random.Generator) -> dict[str, Swarm]:
    """All particles at time 0: initial concentrations as piecewise linear densities, and what is released, rounded at random."""
    system = anatomy.system
    values, y = system.model.values(), system.initial(system.model.values())
    swarms = {}
    for name, part in system.slices.items():
        expected = float(system.weights[part] @ y[part])
        parts = [_distributed(anatomy, name, y[part], whole(expected, replicas, rng), rng)] if expected > 0 else []
        for release in system.model.releases:
            if release.species == name:
                count = whole(float(release.amount.evaluate(values)), replicas, rng)
                parts.append(_released(anatomy, release, np.repeat(np.arange(replicas), count), rng))
        swarms[name] = together(parts)
    return swarms


def home(anatomy: Anatomy, species: str) -> tuple[Cells, Index]:
    """The cells that a species moves in, and which of them belong to its place, in the order of its space."""
    described = anatomy.system.model.species[species]
    if described.bulk:
        return anatomy.cells, np.flatnonzero(anatomy.inside[described.place])
    surface = anatomy.surfaces[described.place]
    return surface.cells, np.arange(len(surface.triangles))


def _distributed(anatomy: Anatomy, species: str, density: Floats, counts: Index, rng: np.random.Generator) -> Swarm:
    """Particles with a P1 density, given at the nodes of the species: a corner of a cell is drawn, then a point of density λ of it."""
    cells, cell = home(anatomy, species)
    space = anatomy.system.space_of(species)
    points = anatomy.system.places.mesh.tets[cell] if space.bulk else anatomy.points[anatomy.surfaces[_place(anatomy, species)].triangles]
    corners: Index = np.asarray(space.local(points.ravel()).reshape(points.shape), dtype=np.int64)
    weights = cells.measures[cell][:, None] * density[corners]
    drawn = chosen(weights.ravel(), int(counts.sum()), rng)
    own, corner = cell[drawn // corners.shape[1]], drawn % corners.shape[1]
    shares = rng.exponential(size=(len(own), corners.shape[1]))
    shares[np.arange(len(own)), corner] += rng.exponential(size=len(own))
    x = np.einsum("nf,nfk->nk", shares / shares.sum(axis=1, keepdims=True), cells.corners[own])
    return Swarm(x, own, np.repeat(np.arange(len(counts)), counts))


def _place(anatomy: Anatomy, species: str) -> str:
    return anatomy.system.model.species[species].place


def _released(anatomy: Anatomy, release: Release, replica: Index, rng: np.random.Generator) -> Swarm:
    cells, own = home(anatomy, release.species)
    _ = release_share(anatomy.system, release)  # raises where the species does not live there
    spread = release_cells(anatomy.system, release)
    if spread is None:
        point = np.array(release.at, dtype=float) * UM_PER_NM
        gaps = (cells.offsets[own] - cells.normals[own] @ point).min(axis=1)
        cell = np.full(len(replica), own[int(gaps.argmax())])
        return Swarm(np.tile(point, (len(replica), 1)), cell, replica)
    if spread.shape[1] == 4:
        cell = own[chosen(cells.measures[own], len(replica), rng)]
        return Swarm(uniform_points(cells, cell, rng), cell, replica)
    triangles = numbers_among(spread, anatomy.points)
    triangle = triangles[chosen(anatomy.areas[triangles], len(replica), rng)]
    x = points_on(anatomy, triangle, rng)
    return at_triangles(anatomy, release.species, x, triangle, replica, release.where)


def points_on(anatomy: Anatomy, triangle: Index, rng: np.random.Generator) -> Floats:
    """A uniform point on each of the given triangles, (N, 3) in µm."""
    weights = rng.exponential(size=(len(triangle), 3))
    return np.asarray(np.einsum("nf,nfk->nk", weights / weights.sum(axis=1, keepdims=True), anatomy.corners[triangle]))


def at_triangles(anatomy: Anatomy, species: str, x: Floats, triangle: Index, replica: Index, where: str = "") -> Swarm:
    """Particles on triangles (N,): on their membrane, or in the tetrahedron of their compartment at its side."""
    place = _place(anatomy, species)
    if anatomy.system.model.species[species].bulk:
        cell = anatomy.side(place)[0][triangle]
    else:
        own = anatomy.surfaces[place].triangles
        at = np.minimum(np.searchsorted(own, triangle), len(own) - 1)
        cell = np.where(own[at] == triangle, at, -1)
    if (cell < 0).any():
        raise SimulationError(
            f"{f'{where}: ' if where else ''}{species} lives in {place}, which {int((cell < 0).sum())} of the triangles do not touch."
        )
    return Swarm(x, cell, replica)


def entering(
    anatomy: Anatomy, species: str, x: Floats, triangle: Index, replica: Index, length: float, where: str, rng: np.random.Generator
) -> Swarm:
    """Particles that enter a compartment through points x (N, 3) of triangles (N,), a little way into it along the normal.

    Their distances z have the density erfc(z / (√2 length)), length = √(2 D Δt) in µm, of those that one step takes to the wall from a
    uniform concentration, so that walls that take up and give back as much keep it uniform (Andrews 2009, Phys. Biol. 6:046015).
    """
    if len(x) == 0:
        return nobody()
    swarm = at_triangles(anatomy, species, x, triangle, replica, where)
    place = _place(anatomy, species)
    inward = -anatomy.cells.normals[swarm.cell, anatomy.side(place)[1][triangle]]
    depth = length * rng.random(len(x)) * np.sqrt(2.0 * rng.standard_exponential(len(x)))
    path = trace(anatomy.cells, swarm.x, swarm.cell, depth[:, None] * inward, anatomy.passes[place])
    return Swarm(path.x, path.cell, replica)
