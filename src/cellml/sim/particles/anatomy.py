"""Where particles of a model live and what they meet: compartments as tetrahedra, membranes as triangles with a cell on either side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cellml.sim.domain import UM_PER_NM
from cellml.sim.ends import PLANES
from cellml.sim.engine.system import System
from cellml.sim.errors import SimulationError
from cellml.sim.particles.cells import Cells, Floats, Index, tet_cells, triangle_cells
from cellml.sim.particles.target import facet_numbers, numbers_among
from cellml.sim.particles.tracing import Bools


@dataclass(frozen=True, eq=False)
class Surface:
    """The triangles of a membrane as cells (F',), and their numbers (F',) among all triangles of the anatomy."""

    cells: Cells
    triangles: Index


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A mesh as particles of a model see it.

    cells: all tetrahedra; triangle: (C, 4), number of the tagged triangle at each face, F where there is none; corners: (F, 3, 3) of the
    triangles in µm; inside: (C,) by compartment; passes: (C, 4) by compartment, faces with the compartment on both sides; surfaces: by
    membrane that species live on; on: (F,) triangles of each membrane.
    """

    system: System
    cells: Cells
    triangle: Index
    corners: Floats
    points: Index
    inside: Mapping[str, Bools]
    passes: Mapping[str, Bools]
    surfaces: Mapping[str, Surface]
    on: Mapping[str, Bools]

    @property
    def centres(self) -> Floats:
        """Centroids of the triangles, (F, 3) in µm."""
        return np.asarray(self.corners.mean(axis=1))

    @property
    def areas(self) -> Floats:
        """Areas of the triangles, (F,) in µm²."""
        edges = self.corners[:, 1:] - self.corners[:, :1]
        return np.asarray(0.5 * np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1))

    def side(self, compartment: str) -> tuple[Index, Index]:
        """The tetrahedron of a compartment at each triangle, and which of its faces that is; (F,) each, −1 where there is none."""
        cell, face = np.nonzero((self.triangle < len(self.corners)) & self.inside[compartment][:, None])
        cells, faces = (np.full(len(self.corners), -1, np.int64) for _ in range(2))
        at = self.triangle[cell, face]
        cells[at], faces[at] = cell, face
        return cells, faces

    def among(self, facets: Index) -> Bools:
        """Which triangles (F,) are among facets (K, 3) of points of the mesh."""
        return np.asarray(numbers_among(self.points, facets) >= 0)


def anatomy_of(system: System) -> Anatomy:
    """The anatomy of a model on a mesh. Raises SimulationError for a membrane inside of a compartment, whose sides are then the same."""
    mesh, model, places = system.places.mesh, system.model, system.places
    cells = tet_cells(mesh)
    used = {name for name in system.spaces if name in model.membranes}
    sets = {name: system.spaces[name].corners for name in used}
    held = [places.facets(fixed.on, fixed.where) for fixed in model.fixed]
    everything = np.concatenate([np.zeros((0, 3), np.int64), mesh.facets, *sets.values(), *held])
    points = np.unique(np.sort(everything, axis=1), axis=0)
    number = facet_numbers(mesh, points)
    inside = {name: places.tets_of(c) for name, c in model.compartments.items() if name in system.spaces}
    beyond = cells.neighbours
    passes = {name: (beyond >= 0) & within[:, None] & within[beyond] for name, within in inside.items()}
    on = {name: numbers_among(points, facets) >= 0 for name, facets in sets.items()}
    living = {s.place for s in model.species.values() if not s.bulk}
    surfaces = {name: Surface(triangle_cells(mesh, points[on[name]]), np.flatnonzero(on[name])) for name in on if name in living}
    triangle = np.where(number >= 0, number, len(points))
    anatomy = Anatomy(system, cells, triangle, mesh.points[points] * UM_PER_NM, points, inside, passes, surfaces, on)
    _check_sides(anatomy)
    return anatomy


def _check_sides(anatomy: Anatomy) -> None:
    model = anatomy.system.model
    for reaction in model.reactions:
        if reaction.place not in anatomy.on:
            continue
        for species in {*reaction.reactants, *reaction.products} & {n for n, s in model.species.items() if s.bulk}:
            compartment = model.species[species].place
            cell, face = np.nonzero(anatomy.passes[compartment])
            at = anatomy.triangle[cell, face]
            if (at < len(anatomy.corners)).any() and anatomy.on[reaction.place][at[at < len(anatomy.corners)]].any():
                raise SimulationError(
                    f"{reaction.where}: {species} lives on both sides of {reaction.place}, so that a particle would not know which side it "
                    "hits; make the sides compartments of their own, or use method=stochastic."
                )


def cut_triangles(anatomy: Anatomy) -> Bools:
    """Triangles (F,) on faces where the image cuts the object, without those that a membrane of the model claims."""
    mesh, model = anatomy.system.places.mesh, anatomy.system.model
    claimed = {name for membrane in model.membranes.values() for name in membrane.facets}
    tags = [tag for tag, name in mesh.facet_names.items() if name in PLANES and name not in claimed]
    return anatomy.among(mesh.facets[np.isin(mesh.facet_tags, tags)])
