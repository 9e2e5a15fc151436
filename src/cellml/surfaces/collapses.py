"""Short edges collapsed, each without a change of volume."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import Index
from cellml.surfaces.edge_table import EdgeTable, Incidence, edge_table, faces_at_vertices, far_apart, neighbours
from cellml.surfaces.exposure import exposed_faces, vertices_of
from cellml.surfaces.face_shape import FAIR, SLIVER, area_vectors, shape_quality, unit
from cellml.surfaces.guards import crossing_now
from cellml.surfaces.structure_tensor import sharpness

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_TURN = np.cos(np.radians(40.0))  # faces around a collapse turn by less
_TURN_OF_SLIVER = np.cos(np.radians(60.0))  # from the mean normal, as a sliver's own says nothing about the surface
_LIFT = 0.5  # the new vertex lies within this part of the edge's length of the edge,
_LIFT_OF_SIZE = 0.1  # or within this part of the size wanted
_CRUMB = 0.25  # shorter edges, as part of the size wanted, may go though the faces around them, crumpled, would turn or narrow for now


def collapse_edges(
    vertices: Floats,
    faces: Index,
    size: Floats,
    *,
    shortest: float = 0.7,
    longest: float = 4 / 3,
    bad_faces: bool = False,
    rounds: int = 12,
) -> tuple[Floats, Index, Floats, int]:
    """Collapse edges shorter than `shortest` times the size wanted, the shortest first, in batches that do not touch each other.

    The two ends become one vertex near the sharper end, lifted so that the enclosed volume stays exactly the same (Lindstrom & Turk 1998).
    An edge stays if its ends have more than two common neighbours (link condition), or if a face around it would turn by more than 40°,
    become of worse shape than all were and than 20–130°, or cross others, or if a new edge would exceed `longest` times the size wanted.

    vertices: (V, 3); faces: (F, 3), closed manifold; size: (V,) nm; bad_faces: collapse the shortest edge of ill-shaped faces instead.
    Returns vertices, faces, sizes and the number of collapses.
    """
    collapses = 0
    refused = np.zeros(0, np.int64)
    sharp = sharpness(vertices, faces)
    reach = 2.0 * longest * float(size.max())
    exposed = vertices_of(faces, exposed_faces(vertices, faces, reach), len(vertices))
    for _ in range(rounds):
        table = edge_table(faces)
        urgency, chosen = _candidates(vertices, faces, size, table, shortest, bad_faces)
        number = table.edges[:, 0] * len(vertices) + table.edges[:, 1]
        untried = ~np.isin(number[chosen], refused)
        urgency, chosen = urgency[untried], chosen[untried]
        if len(chosen) == 0:
            break
        chosen = chosen[far_apart(table, chosen, urgency, len(vertices))]
        good, position = _judge(vertices, faces, size, table, chosen, sharp, longest)
        good = _without_crossings(vertices, faces, table, chosen, good, position, exposed)
        refused = np.concatenate([refused, number[chosen[~good]]])
        vertices, faces, size = _collapse(vertices, faces, size, table, chosen[good], position[good])
        collapses += int(good.sum())
    used, renumbered = np.unique(faces, return_inverse=True)
    return vertices[used], renumbered.reshape(-1, 3).astype(np.int64), size[used], collapses


def _candidates(vertices: Floats, faces: Index, size: Floats, table: EdgeTable, shortest: float, bad_faces: bool) -> tuple[Floats, Index]:
    a, b = table.edges.T
    ratio = np.linalg.norm(vertices[a] - vertices[b], axis=1) / (0.5 * (size[a] + size[b]))
    if not bad_faces:
        chosen = np.flatnonzero(ratio < shortest)
        return -ratio[chosen], chosen
    quality = shape_quality(vertices[faces])[table.faces].min(axis=1)
    least = np.full(len(faces), np.inf)
    np.minimum.at(least, table.faces.ravel(), np.repeat(ratio, 2))
    chosen = np.flatnonzero((quality < FAIR) & (least[table.faces] == ratio[:, None]).any(axis=1))
    return -quality[chosen], chosen


def _judge(
    vertices: Floats, faces: Index, size: Floats, table: EdgeTable, chosen: Index, sharp: Floats, longest: float
) -> tuple[Mask, Floats]:
    """Which collapses are admissible, (N,), leaving crossings aside, and where the new vertices lie, (N, 3)."""
    ends = table.edges[chosen]
    around = faces_at_vertices(faces, len(vertices))
    ring, owner = _ring(around, ends)
    corners = vertices[faces[ring]]
    is_end = (faces[ring][:, :, None] == ends[owner][:, None, :]).any(axis=2)
    dies = is_end.sum(axis=1) == 2
    # Each dying face comes once for either end; the sums below count it once.
    once = ~dies | (np.arange(len(ring)) < _second_half(around, ends))
    wanted = 0.5 * (size[ends[:, 0]] + size[ends[:, 1]])
    position, lift = _volume_keeping(vertices, sharp[ends], ends, corners, is_end, dies, once, owner)
    moved = np.where(is_end[:, :, None], position[owner][:, None, :], corners)[~dies]
    stays, of = corners[~dies], owner[~dies]
    before, after = shape_quality(corners), shape_quality(moved)
    worst = np.full(len(chosen), np.inf)
    np.minimum.at(worst, owner, before)
    normals = unit(area_vectors(moved))
    turned = np.einsum("ij,ij->i", unit(area_vectors(stays)), normals) < _TURN
    mean = unit(np.stack([np.bincount(owner, weights=v * once, minlength=len(chosen)) for v in area_vectors(corners).T], axis=1))
    crumpled = _length(vertices, ends) < _CRUMB * wanted
    turned = np.where((shape_quality(stays) < SLIVER) | crumpled[of], np.einsum("ij,ij->i", mean[of], normals) < _TURN_OF_SLIVER, turned)
    edge = np.max([np.linalg.norm(moved[:, i] - moved[:, i - 1], axis=1) for i in range(3)], axis=0)
    floor = np.where(crumpled, 0.5 * worst, np.minimum(worst * 1.0001, FAIR))
    bad = turned | (after < floor[of]) | (edge > longest * wanted[of])
    good = np.bincount(of, weights=bad, minlength=len(chosen)) == 0
    lifted = np.linalg.norm(lift, axis=1) <= np.maximum(_LIFT * _length(vertices, ends), _LIFT_OF_SIZE * wanted)
    return good & lifted & _link_condition(table, ends, len(vertices)), position


def _ring(around: Incidence, ends: Index) -> tuple[Index, Index]:
    first, of_first = around.of(ends[:, 0])
    second, of_second = around.of(ends[:, 1])
    return np.concatenate([first, second]), np.concatenate([of_first, of_second])


def _second_half(around: Incidence, ends: Index) -> int:
    return int((around.start[ends[:, 0] + 1] - around.start[ends[:, 0]]).sum())


def _volume_keeping(
    vertices: Floats, sharp: Floats, ends: Index, corners: Floats, is_end: NDArray[np.bool_], dies: Mask, once: Mask, owner: Index
) -> tuple[Floats, Floats]:
    """New vertices m + λ g such that the volume stays: g is its gradient with respect to the vertex, m lies near the sharper end.

    Returns m + λ g and λ g, (N, 3) each.
    """
    weight = 0.02 + sharp
    middle = (weight[:, :, None] * vertices[ends]).sum(axis=1) / weight.sum(axis=1)[:, None]
    local = corners - middle[owner][:, None, :]
    volume = np.einsum("ij,ij->i", local[:, 0], np.cross(local[:, 1], local[:, 2])) / 6.0
    total = np.bincount(owner, weights=volume * once, minlength=len(ends))
    # With the new vertex at corner i, the volume of a face is p · (x_{i+1} × x_{i+2}) / 6.
    place = is_end.argmax(axis=1)
    rows = np.arange(len(local))
    side = np.cross(local[rows, (place + 1) % 3], local[rows, (place + 2) % 3]) / 6.0
    gradient = np.stack([np.bincount(owner, weights=side[:, k] * ~dies, minlength=len(ends)) for k in range(3)], axis=1)
    square = (gradient**2).sum(axis=1)
    lift = (total / np.maximum(square, 1e-300))[:, None] * gradient
    return middle + lift, lift


def _length(vertices: Floats, ends: Index) -> Floats:
    return np.asarray(np.linalg.norm(vertices[ends[:, 0]] - vertices[ends[:, 1]], axis=1))


def _link_condition(table: EdgeTable, ends: Index, vertices: int) -> Mask:
    """Whether the ends of each edge have exactly two neighbours in common, (N,)."""
    around = neighbours(table.edges, vertices)
    first, of_first = around.of(ends[:, 0])
    second, of_second = around.of(ends[:, 1])
    common = np.isin(of_first * vertices + first, of_second * vertices + second)
    return np.asarray(np.bincount(of_first, weights=common, minlength=len(ends)) == 2)


def _without_crossings(
    vertices: Floats, faces: Index, table: EdgeTable, chosen: Index, good: Mask, position: Floats, exposed: Mask
) -> Mask:
    """Those collapses after which no face crosses another, tried together."""
    trial, now = vertices.copy(), np.arange(len(vertices))
    ends = table.edges[chosen[good]]
    trial[ends[:, 0]] = position[good]
    now[ends[:, 1]] = ends[:, 0]
    moved = now[faces]
    alive = (moved[:, 0] != moved[:, 1]) & (moved[:, 1] != moved[:, 2]) & (moved[:, 2] != moved[:, 0])
    changed = np.asarray(np.isin(moved[alive], ends[:, 0]).any(axis=1) & exposed[moved[alive]].any(axis=1))
    crossing = crossing_now(trial, moved[alive], changed)
    touched = np.unique(moved[alive][crossing])
    keep = good.copy()
    keep[good] = ~np.isin(ends[:, 0], touched)
    return keep


def _collapse(
    vertices: Floats, faces: Index, size: Floats, table: EdgeTable, chosen: Index, position: Floats
) -> tuple[Floats, Index, Floats]:
    a, b = table.edges[chosen].T
    vertices, size, now = vertices.copy(), size.copy(), np.arange(len(vertices))
    vertices[a] = position
    size[a] = 0.5 * (size[a] + size[b])
    now[b] = a
    moved = np.delete(faces, table.faces[chosen].ravel(), axis=0)
    return vertices, now[moved], size
