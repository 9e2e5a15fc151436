"""The base of a spine: where it was cut from its dendrite.

Programs that cut spines from a dendrite's surface close the cut with a fan of triangles about one new point (SpineTool's meshes do:
in 290 of 292 it is the vertex with the most faces). The fan is thus a record of the cut, and `cut_fan` reads it. A spine that a model has
made holds no such record; it is known in the frame of the spines that the model learned from (`base_frame`: base at the origin, the way
into the spine along x, the optical axis along z), and its base is what lies at the low end of x there (`lowest_part`). To compare real
spines with generated ones both take the second rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Surface, TetMesh

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

FEWEST_FACES = 9  # of a fan; even meshes have vertices with 8 faces and more
_LEAST_SHARE, _LARGEST_SHARE = 0.002, 0.6  # of the area of a spine that is its base
_HARDLY = 0.15  # of the flat area of a base; in 283 spines what was carried to the repaired surface has 22 % or more, half of them 99 %
_WIDER = 2.0  # times the area of a base may the facets near it have where hardly any lie on it
_POINTS = 300  # on a base, about, to find these
_HORIZONTAL = 0.5  # least part of the normal that is across the optical axis; dendrites lie flat under the microscope


@dataclass(frozen=True, eq=False)
class Base:
    """centre: middle of its faces, (3,) nm, columns (x, y, z); inwards: unit vector into the spine, (3,); faces: (F,) numbers of the
    surface's faces; share: of its area.
    """

    centre: Floats
    inwards: Floats
    faces: Index
    share: float


def cut_fan(surface: Surface) -> Base:
    """The fan of triangles that closes the cut: the faces about the vertex that has the most.

    surface: as the program that cut it has written it; one that was meshed anew has lost its fan. Raises CellmlError where there is no such
    vertex, or the fan is no base: as good as nothing or most of the surface, or one that faces along the optical axis z.
    """
    if not len(surface.faces):
        raise CellmlError(f"{surface.name!r} has no faces, so no base; give a closed surface.")
    counts = np.bincount(surface.faces.ravel(), minlength=len(surface.vertices))
    apex = int(counts.argmax())
    if counts[apex] < FEWEST_FACES:
        raise CellmlError(
            f"{surface.name!r} has no fan that closes a cut: no vertex has more than {counts[apex]} faces, and {FEWEST_FACES} are "
            "needed. Give the surface as the program that cut it has written it."
        )
    return _checked(_base_of(surface, np.flatnonzero((surface.faces == apex).any(axis=1))), surface.name)


def carried_base(base: Base, given: Surface, surface: Surface) -> Base:
    """The base of a surface on another mesh of the same shape, at the same place: faces whose middle is nearest to faces of the base.

    given: what `base` is of; surface: such as its repair. Raises CellmlError where no face is near.
    """
    found = _on(base, given, surface.vertices[surface.faces].mean(axis=1))
    if not found.any():
        raise CellmlError(f"{surface.name!r} has no face where the base of {given.name!r} is; are they at the same place, in nm?")
    return _base_of(surface, np.flatnonzero(found))


def base_frame(base: Base) -> tuple[Floats, Floats]:
    """Rotation (3, 3) about the optical axis z and shift (3,) that bring the base's middle to the origin and the way in along +x.

    A point p goes to (p − shift) @ rotation.T. z is kept, because the microscope blurs along it. Raises CellmlError for a base that faces
    along z.
    """
    flat = base.inwards[:2]
    length = float(np.linalg.norm(flat))
    if length < 1e-6:
        raise CellmlError("The base faces along the optical axis z: there is no direction across it that leads into the spine.")
    c, s = flat / length
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]), base.centre


def in_base_frame(surface: Surface, base: Base) -> Surface:
    """The surface in the frame of its base."""
    rotation, shift = base_frame(base)
    return Surface((surface.vertices - shift) @ rotation.T, surface.faces, surface.name)


def lowest_part(vertices: Floats, faces: Index, share: float) -> NDArray[np.bool_]:
    """Faces (F,) whose middle is in the lowest `share` of the extent along x: the base of a spine in the frame of `base_frame`.

    vertices: (V, 3) nm; faces: (F, 3). Raises CellmlError for a share that is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise CellmlError(f"The base is a share of the spine's length between 0 and 1, got {share}.")
    x = vertices[np.unique(faces), 0]
    return np.asarray(vertices[faces, 0].mean(axis=1) < x.min() + share * np.ptp(x))


def with_base(mesh: TetMesh, chosen: NDArray[np.bool_], name: str = "base") -> TetMesh:
    """The mesh with some of its facets under the name of a patch. chosen: (F,) of mesh.facets.

    Raises CellmlError where none is chosen, and where the mesh has a patch of this name already.
    """
    if name in mesh.facet_names.values():
        raise CellmlError(f"{mesh.name!r} has a patch {name!r} already, of {len(mesh.facets_named(name))} facets; give another name.")
    if not chosen.any():
        raise CellmlError(f"No facet of {mesh.name!r} is part of the patch {name!r}; mesh it more finely, or take a larger share.")
    tag = max([*mesh.facet_names, *mesh.facet_tags.tolist(), 0]) + 1
    tags = np.where(chosen, tag, mesh.facet_tags).astype(np.int32)
    names = {number: known for number, known in mesh.facet_names.items() if number in set(tags.tolist())}
    return TetMesh(mesh.points, mesh.tets, mesh.regions, mesh.region_names, mesh.facets, tags, {**names, tag: name}, mesh.name)


def facets_on(base: Base, given: Surface, mesh: TetMesh) -> NDArray[np.bool_]:
    """Which facets (F,) of a mesh of the same shape at the same place belong to the base: those whose middle is nearest to a face of it.

    A base that is narrower than facets, or lies in a fold or on a sheet that the mesh has not, has hardly any of these: less than 15 % of
    its flat area |Σ n_f A_f|, which depends on its rim only. Then it is the facets that are nearest to some point of the base, as long as
    their area is at most twice that of its faces, else none; a finer mesh has such facets where this one has none.
    """
    corners, faces = mesh.points[mesh.facets], given.vertices[given.faces[base.faces]]
    found = _on(base, given, corners.mean(axis=1))
    if _flat_area(corners[found]) >= _HARDLY * _flat_area(faces):
        return found
    near = _nearest_to(corners, faces)
    return near & bool(_areas(corners[near]).sum() <= _WIDER * _areas(faces).sum())


def _on(base: Base, given: Surface, points: Floats) -> NDArray[np.bool_]:
    from cellml.surfaces.winding import closest_points

    _, nearest, _ = closest_points(given.vertices, given.faces, points)
    return np.isin(nearest, base.faces)


def _nearest_to(triangles: Floats, parts: Floats) -> NDArray[np.bool_]:
    """Which triangles (F, 3, 3) are nearest to some point of others (G, 3, 3), of which some hundred points are taken."""
    from cellml.meshing.surface_samples import sample_triangles
    from cellml.surfaces.winding import closest_points

    points = sample_triangles(parts, float(np.sqrt(_areas(parts).sum() / _POINTS))).centroids
    _, nearest, _ = closest_points(triangles.reshape(-1, 3), np.arange(3 * len(triangles)).reshape(-1, 3), points)
    return np.isin(np.arange(len(triangles)), nearest)


def _areas(corners: Floats) -> Floats:
    return np.asarray(np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2)


def _flat_area(corners: Floats) -> float:
    """Area of a patch of triangles (F, 3, 3) seen along its mean normal."""
    return float(np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).sum(axis=0)) / 2)


def _base_of(surface: Surface, faces: Index) -> Base:
    a, b, c = (surface.vertices[surface.faces[faces, i]] for i in range(3))
    normals = np.cross(b - a, c - a) / 2
    areas = np.linalg.norm(normals, axis=1)
    weight = max(float(areas.sum()), np.finfo(float).tiny)
    outwards = normals.sum(axis=0) * (1.0 if surface.volume() >= 0 else -1.0)
    length = max(float(np.linalg.norm(outwards)), np.finfo(float).tiny)
    centre = (areas[:, None] * (a + b + c) / 3).sum(axis=0) / weight
    return Base(centre, -outwards / length, faces, weight / float(surface.areas().sum()))


def _checked(base: Base, name: str) -> Base:
    if not _LEAST_SHARE <= base.share <= _LARGEST_SHARE:
        raise CellmlError(
            f"The fan of {name!r} is {100 * base.share:.2g} % of its area; a base is {100 * _LEAST_SHARE:g} to {100 * _LARGEST_SHARE:g} %."
        )
    across = float(np.linalg.norm(base.inwards[:2]))
    if across < _HORIZONTAL:
        raise CellmlError(
            f"The fan of {name!r} faces along the optical axis z (only {across:.2f} of its normal lies across it): a dendrite lies flat "
            "under the microscope, so this is no cut from one."
        )
    return base
