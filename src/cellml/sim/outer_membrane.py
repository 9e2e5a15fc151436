"""The membrane of a mesh whose file knows no facets: its outer boundary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cellml.sim.model import Model
from cellml.types import TetMesh

MEMBRANE = "membrane"


def facet_sets_of(model: Model) -> set[str]:
    """The facet sets that a model needs: those of its membranes, and those that it names without declaring a membrane."""
    direct = {fixed.on for fixed in model.fixed} | {release.at for release in model.releases if isinstance(release.at, str)}
    direct |= {name for request in model.observables for name in request.places.values() if name}
    return {name for membrane in model.membranes.values() for name in membrane.facets} | (direct - set(model.membranes))


def with_outer_membrane(mesh: TetMesh, needed: Iterable[str]) -> TetMesh:
    """The mesh, on which the name `membrane` is known if it is needed.

    Where the mesh has no facets of that name, they are the faces of one tetrahedron that carry no tag yet. The mesh itself where nothing
    is needed or there are no such faces.
    """
    if MEMBRANE not in needed or MEMBRANE in mesh.facet_names.values():
        return mesh
    from cellml.meshing.topology import boundary_facets

    outer = boundary_facets(mesh.tets)
    tagged = set(map(tuple, np.sort(mesh.facets, axis=1).tolist()))
    free = outer[[face not in tagged for face in map(tuple, np.sort(outer, axis=1).tolist())]]
    if not len(free):
        return mesh
    tag = max([0, *mesh.facet_names, *mesh.facet_tags.tolist()]) + 1
    return replace(
        mesh,
        facets=np.concatenate([mesh.facets, free]),
        facet_tags=np.concatenate([mesh.facet_tags, np.full(len(free), tag, np.int32)]),
        facet_names={**mesh.facet_names, tag: MEMBRANE},
    )


def outer_membrane_notes(mesh: TetMesh, needed: Iterable[str]) -> list[str]:
    """A sentence where `membrane` means the outer boundary of this mesh."""
    added = len(with_outer_membrane(mesh, needed).facets) - len(mesh.facets)
    if not added:
        return []
    others = "that carries no other name" if len(mesh.facets) else "for the file names no facets"
    return [f"{mesh.name} has no facets named {MEMBRANE}; its outer boundary, {added} triangles, was taken, {others}."]
