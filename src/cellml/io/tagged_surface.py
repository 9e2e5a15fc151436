"""A triangle surface whose faces carry named tags (membranes, patches), and the surfaces of a tetrahedral mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.io.mesh_functions import find_facets
from cellml.meshing.topology import boundary_facets, facet_pairs
from cellml.types import Surface, TetMesh


@dataclass(frozen=True, eq=False)
class TaggedSurface:
    """surface: in nm; tags: (F,) int32 of its faces, 0 for none; names: of the tags. Raises CellmlError where the sizes disagree."""

    surface: Surface
    tags: NDArray[np.int32]
    names: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", np.ascontiguousarray(self.tags, dtype=np.int32).reshape(-1))
        if len(self.tags) != len(self.surface.faces):
            raise CellmlError(f"{self.surface.name!r} has {len(self.surface.faces)} faces but {len(self.tags)} tags.")

    @property
    def used(self) -> dict[int, str]:
        """The tags that occur with their names (the number as text where one has none), in ascending order."""
        return {tag: self.names.get(tag, str(tag)) for tag in np.unique(self.tags[self.tags != 0]).tolist()}

    def areas(self) -> dict[str, float]:
        """Area of each tag in nm² by name, untagged faces left out."""
        area = self.surface.areas()
        return {name: float(area[self.tags == tag].sum()) for tag, name in self.used.items()}


def membranes(mesh: TetMesh) -> TaggedSurface:
    """All tagged facets of a mesh as one surface, each once; its outer boundary, tagged `boundary`, where it has no facets.

    The surface is not manifold where three membranes meet.
    """
    if len(mesh.facets):
        return _compact(mesh, mesh.facets, mesh.facet_tags, mesh.facet_names, mesh.name)
    outer = boundary_facets(mesh.tets)
    return _compact(mesh, outer, np.ones(len(outer), np.int32), {1: "boundary"}, mesh.name)


def compartments(mesh: TetMesh) -> list[TaggedSurface]:
    """The closed outer surface of every region, with all that it encloses inside, and on it the tags of the facets.

    So the surface of a cytosol is the cell membrane, and that of an organelle inside it the organelle's own: nested compartments share no
    face. Faces point outwards. Raises CellmlError where two compartments lie side by side, for then both would have the faces between them.
    """
    pairs = facet_pairs(mesh.tets)
    surfaces, seen, owner = [], np.zeros((0, 3), np.int64), list[str]()
    for number in np.unique(mesh.regions).tolist():
        name = mesh.region_names.get(number, f"region_{number}")
        hull = boundary_facets(mesh.tets[_with_enclosed(mesh, pairs.first, pairs.second, number)])
        shared = find_facets(hull, seen)
        if (shared >= 0).any():
            raise CellmlError(
                f"{name!r} and {owner[int(shared.max())]!r} of {mesh.name!r} lie side by side: {int((shared >= 0).sum())} faces belong to "
                "both. Compartments of surfaces may be nested, but walls that coincide are an error to MCell. Mesh them with "
                "contact=cleft, which leaves a gap, or write .vtu or .msh."
            )
        seen, owner = np.concatenate([seen, hull]), owner + [name] * len(hull)
        place = find_facets(hull, mesh.facets)
        tags = np.where(place >= 0, np.append(mesh.facet_tags, 0)[place], 0)
        surfaces.append(_compact(mesh, hull, tags, mesh.facet_names, name))
    return surfaces


def _with_enclosed(mesh: TetMesh, first: NDArray[np.int64], second: NDArray[np.int64], region: int) -> NDArray[np.bool_]:
    """Tetrahedra of a region, and those that no path through facets joins to the outside of the mesh without crossing the region."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    outside = len(mesh.tets)
    other = np.where(second < 0, outside, second)
    free = np.append(mesh.regions != region, True)
    joined = free[first] & free[other]
    graph = coo_matrix((np.ones(int(joined.sum()), bool), (first[joined], other[joined])), shape=(outside + 1, outside + 1))
    component = connected_components(graph, directed=False)[1]
    return np.asarray(~free[:-1] | (component[:-1] != component[-1]))


def _compact(mesh: TetMesh, faces: NDArray[np.int64], tags: NDArray[np.int32], names: Mapping[int, str], name: str) -> TaggedSurface:
    """Faces on their own points only."""
    used, inverse = np.unique(faces, return_inverse=True)
    return TaggedSurface(Surface(mesh.points[used], inverse.reshape(-1, 3), name), tags, names)
