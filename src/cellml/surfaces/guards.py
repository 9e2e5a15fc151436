"""What no move may do: turn a face over, spoil its shape, or push the surface through itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cellml.meshing.intersections import crossing_facets
from cellml.meshing.topology import Index
from cellml.surfaces.exposure import exposed_faces
from cellml.surfaces.face_shape import FAIR, SLIVER, area_vectors, longest_edge, shape_quality, unit, vertex_sums

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_TURN = 0.5  # least cosine between the normals of a face before and after a move
_FACING = 0.5  # sheets about to meet have normals with a smaller cosine


def keeps_faces(vertices: Floats, faces: Index, wanted: Floats) -> Mask:
    """Whether each face keeps its side and the shapes around it keep their worst, (F,), when vertices move to wanted positions, (V, 3).

    The normal turns by less than 60°, that of a sliver from the mean normal around it; the shape quality stays above 0.56 or the lowest
    there was among the faces at its corners.
    """
    before, after = vertices[faces], wanted[faces]
    vectors, quality = area_vectors(before), shape_quality(before)
    around, lowest = vertex_sums(faces, vectors, len(vertices)), np.full(len(vertices), FAIR)
    for corner in range(3):
        np.minimum.at(lowest, faces[:, corner], quality)
    trusted = np.where((quality < SLIVER)[:, None], around[faces].sum(axis=1), vectors)
    side = np.einsum("ij,ij->i", unit(trusted), unit(area_vectors(after)))
    return np.asarray((side > _TURN) & (shape_quality(after) >= lowest[faces].min(axis=1) * (1 - 1e-9)))


def crossing_now(vertices: Floats, faces: Index, changed: Mask) -> Index:
    """Faces that cross others after a change, (N,).

    Only sheets that face each other can come to cross by small moves, so that pairs of neighbours whose normals agree to 60° are not
    tested; `cellml.meshing.intersections.crossing_facets` decides on the rest. changed: (F,) faces that moved.
    """
    suspects = _facing_pairs(vertices[faces], faces, changed)
    if len(suspects) == 0:
        return np.zeros(0, np.int64)
    group = np.unique(suspects)
    return group[np.unique(crossing_facets(vertices, faces[group]))]


def _facing_pairs(corners: Floats, faces: Index, changed: Mask) -> Index:
    """Pairs turned away from each other that may cross, as either meets the plane of the other; one of them at least changed, (N, 2)."""
    if not changed.any():
        return np.zeros((0, 2), np.int64)
    normals, low, high = unit(area_vectors(corners)), corners.min(axis=1), corners.max(axis=1)
    pairs = []
    for a, b in _near_pairs(corners, changed):
        for keep in (
            lambda a, b: np.einsum("ij,ij->i", normals[a], normals[b]) < _FACING,
            lambda a, b: (low[a] <= high[b]).all(axis=1) & (low[b] <= high[a]).all(axis=1),
            lambda a, b: a != b,
            lambda a, b: _cuts_plane(corners, faces, a, b) & _cuts_plane(corners, faces, b, a),
        ):
            kept = keep(a, b)
            a, b = a[kept], b[kept]
        pairs.append(np.stack([a, b], axis=1))
    return np.concatenate(pairs)


def _cuts_plane(corners: Floats, faces: Index, a: Index, b: Index) -> Mask:
    """Whether faces b may reach the planes of faces a elsewhere than in common vertices, (N,): a quick no, or a perhaps."""
    normal = area_vectors(corners[a])
    offset = corners[b] - corners[a, :1]
    height = np.einsum("ij,ikj->ik", normal, offset)
    doubt = 1e-11 * np.abs(offset).max(axis=(1, 2)) * np.linalg.norm(corners[a] - corners[a][:, [1, 2, 0]], axis=2).max(axis=1) ** 2
    own = ~(faces[b][:, :, None] == faces[a][:, None, :]).any(axis=2)
    above, below = height > doubt[:, None], height < -doubt[:, None]
    return np.asarray(~((above | ~own).all(axis=1) | (below | ~own).all(axis=1)))


def _near_pairs(corners: Floats, changed: Mask) -> Iterator[tuple[Index, Index]]:
    """Pairs of faces, one changed, whose circles around their centres meet; by size, as a pair is found within twice its larger radius."""
    centres = corners.mean(axis=1)
    radius = np.linalg.norm(corners - centres[:, None], axis=2).max(axis=1)
    octave = np.floor(np.log2(np.maximum(radius, 1e-300)))
    for level in np.unique(octave):
        larger, smaller = np.flatnonzero(octave == level), np.flatnonzero(octave <= level)
        reach = 2.0 * float(radius[larger].max())
        for first, second in ((larger[changed[larger]], smaller), (larger[~changed[larger]], smaller[changed[smaller]])):
            if len(first) and len(second):
                near = cKDTree(centres[first]).sparse_distance_matrix(cKDTree(centres[second]), reach, output_type="ndarray")
                meets = near["v"] <= radius[first][near["i"]] + radius[second][near["j"]]
                yield first[near["i"][meets]], second[near["j"][meets]]


def move_where_allowed(vertices: Floats, faces: Index, wanted: Floats) -> Floats:
    """Vertices moved to wanted positions, save those whose faces would turn over, lose their shape or cross others, (V, 3).

    Vertices of offending faces go back until none offends; what is left of the moves is thus admissible as a whole.
    """
    now = wanted.copy()
    exposed = exposed_faces(vertices, faces, 2.0 * longest_edge(vertices, faces) + float(np.abs(wanted - vertices).max()))
    while True:
        offending = np.flatnonzero(~keeps_faces(vertices, faces, now))
        stuck = _send_back(vertices, faces, now, offending)
        if not stuck:
            changed = exposed & (now != vertices).any(axis=1)[faces].any(axis=1)
            if not _send_back(vertices, faces, now, crossing_now(now, faces, changed)):
                return now


def _send_back(vertices: Floats, faces: Index, now: Floats, offending: Index) -> bool:
    """Put the corners of some faces back; False if they all were already."""
    corners = np.unique(faces[offending])
    moved = corners[(now[corners] != vertices[corners]).any(axis=1)]
    now[moved] = vertices[moved]
    return len(moved) > 0
