"""Edge flips that make the worse of two triangles better."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import Index
from cellml.surfaces.edge_table import EdgeTable, edge_table, without_common_vertex
from cellml.surfaces.exposure import exposed_faces, vertices_of
from cellml.surfaces.face_shape import SLIVER, area_vectors, longest_edge, shape_quality, unit
from cellml.surfaces.guards import crossing_now

Floats = NDArray[np.float64]

_FLAT = np.cos(np.radians(30.0))  # the four triangles of a flip agree in normal to this angle
_GAIN = 1.02


def flip_edges(vertices: Floats, faces: Index, *, rounds: int = 4) -> tuple[Index, int]:
    """Flip edges while that raises the lesser shape quality of their two faces, in batches that do not touch each other.

    An edge stays if its faces, before or after, differ by more than 30° (it may be a feature), if the flipped edge exists already, or if
    the flipped faces cross others. vertices: (V, 3); faces: (F, 3), closed manifold. Returns the faces and the number of flips.
    """
    flipped = 0
    exposed = vertices_of(faces, exposed_faces(vertices, faces, 2.0 * longest_edge(vertices, faces)), len(vertices))
    for _ in range(rounds):
        table = edge_table(faces)
        gain, chosen = _gains(vertices, faces, table)
        if len(chosen) == 0:
            break
        claims = np.concatenate([table.edges[chosen], table.opposite[chosen]], axis=1)
        chosen = chosen[without_common_vertex(claims, gain, len(vertices))]
        trial = _flip(faces, table, chosen)
        changed = np.zeros(len(faces), bool)
        changed[table.faces[chosen]] = True
        changed &= exposed[trial].any(axis=1)
        bad = np.isin(table.faces[chosen], crossing_now(vertices, trial, changed)).any(axis=1)
        faces = _flip(faces, table, chosen[~bad])
        flipped += int((~bad).sum())
        if bad.all():
            break
    return faces, flipped


def _gains(vertices: Floats, faces: Index, table: EdgeTable) -> tuple[Floats, Index]:
    """Relative gain in quality of the edges worth flipping, and their numbers."""
    (a, b), (c, d) = table.edges.T, table.opposite.T
    old = [vertices[faces[table.faces[:, side]]] for side in (0, 1)]
    new = [np.stack([vertices[c], vertices[a], vertices[d]], axis=1), np.stack([vertices[d], vertices[b], vertices[c]], axis=1)]
    before = np.minimum(shape_quality(old[0]), shape_quality(old[1]))
    after = np.minimum(shape_quality(new[0]), shape_quality(new[1]))
    normals = [unit(area_vectors(part)) for part in (*old, *new)]
    mean = unit(area_vectors(old[0]) + area_vectors(old[1]))
    flat = np.all([np.einsum("ij,ij->i", normal, mean) > _FLAT for normal in normals[2:]], axis=0)
    # The normal of a sliver says nothing about the surface.
    flat &= np.all(
        [(np.einsum("ij,ij->i", n, mean) > _FLAT) | (shape_quality(o) < SLIVER) for n, o in zip(normals[:2], old, strict=True)], axis=0
    )
    worth = np.flatnonzero(flat & (after > _GAIN * before) & ~_joined(table, len(vertices)))
    return after[worth] - before[worth], worth


def _joined(table: EdgeTable, vertices: int) -> NDArray[np.bool_]:
    """Whether an edge between the opposite corners of each edge exists already."""
    low, high = table.opposite.min(axis=1), table.opposite.max(axis=1)
    return np.isin(low * vertices + high, table.edges[:, 0] * vertices + table.edges[:, 1])


def _flip(faces: Index, table: EdgeTable, chosen: Index) -> Index:
    (a, b), (c, d) = table.edges[chosen].T, table.opposite[chosen].T
    faces = faces.copy()
    faces[table.faces[chosen, 0]] = np.stack([c, a, d], axis=1)
    faces[table.faces[chosen, 1]] = np.stack([d, b, c], axis=1)
    return faces
