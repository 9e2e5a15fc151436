"""Facets that cross or touch without a common vertex, found by edges that pass through triangles."""

from __future__ import annotations

import numpy as np
from reference import Floats
from scipy.spatial import cKDTree

from cellml.types import Surface

_PORTION = 256  # faces at a time: next to one long face all others count as near, thousands for each
_TOUCH = 1e-9  # of an edge's length, or of a triangle's height, within which an edge counts as touching


def crossings(surface: Surface) -> int:
    """How many pairs of faces without a common vertex cross or touch."""
    corners = surface.vertices[surface.faces]
    centre = corners.mean(axis=1)
    radius = np.linalg.norm(corners - centre[:, None], axis=2).max(axis=1)
    tree = cKDTree(centre)
    found = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(corners), _PORTION):
        chosen = np.arange(start, min(start + _PORTION, len(corners)))
        near = tree.query_ball_point(centre[chosen], radius[chosen] + radius.max())
        first = np.repeat(chosen, [len(others) for others in near])
        second = np.concatenate([np.asarray(others, np.int64) for others in near])
        apart = np.linalg.norm(centre[first] - centre[second], axis=1) <= radius[first] + radius[second]
        first, second = first[apart & (first != second)], second[apart & (first != second)]
        strangers = ~(surface.faces[first][:, :, None] == surface.faces[second][:, None, :]).any(axis=(1, 2))
        first, second = first[strangers], second[strangers]
        hit = np.zeros(len(first), bool)
        for i in range(3):
            hit |= _pierces(corners[first, i], corners[first, (i + 1) % 3], corners[second])
        found.append(np.sort(np.stack([first[hit], second[hit]], axis=1), axis=1))
    return len(np.unique(np.concatenate(found), axis=0))


def _pierces(start: Floats, end: Floats, triangles: Floats) -> np.ndarray:
    """Whether each segment meets its triangle (P, 3, 3): the signed volumes of the five tetrahedra between them agree."""
    a, b, c = (triangles[:, i] for i in range(3))
    below, above = _volume(a, b, c, start), _volume(a, b, c, end)
    sides = np.stack([_volume(start, end, u, v) for u, v in ((a, b), (b, c), (c, a))])
    slack = _TOUCH * np.abs(sides).sum(axis=0)
    within = (sides >= -slack).all(axis=0) | (sides <= slack).all(axis=0)
    return (below * above <= 0) & within & (np.abs(below) + np.abs(above) > 0)


def _volume(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    return np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a))
