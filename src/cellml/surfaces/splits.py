"""Long edges halved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import Index
from cellml.surfaces.edge_table import edge_table

Floats = NDArray[np.float64]


def split_edges(
    vertices: Floats, faces: Index, size: Floats, *, longest: float = 4 / 3, rounds: int = 12
) -> tuple[Floats, Index, Floats, int]:
    """Halve edges longer than `longest` times the mean size wanted at their ends, the longest first; the surface stays the same.

    vertices: (V, 3); faces: (F, 3), closed manifold; size: (V,) edge length wanted, nm. Returns vertices, faces, sizes and the number of
    splits. No face is cut twice in a round, so that its longest edge goes first.
    """
    splits = 0
    for _ in range(rounds):
        table = edge_table(faces)
        a, b = table.edges.T
        ratio = np.linalg.norm(vertices[a] - vertices[b], axis=1) / (0.5 * (size[a] + size[b]))
        worst = np.zeros(len(faces))
        np.maximum.at(worst, table.faces.ravel(), np.repeat(ratio, 2))
        chosen = np.flatnonzero((ratio > longest) & (worst[table.faces] == ratio[:, None]).all(axis=1))
        chosen = chosen[_first_of_face(table.faces[chosen], len(faces))]
        if len(chosen) == 0:
            break
        middle = len(vertices) + np.arange(len(chosen))
        a, b = table.edges[chosen].T
        vertices = np.concatenate([vertices, 0.5 * (vertices[a] + vertices[b])])
        size = np.concatenate([size, 0.5 * (size[a] + size[b])])
        faces = _halved(faces, table.faces[chosen], a, b, table.opposite[chosen], middle)
        splits += len(chosen)
    return vertices, faces, size, splits


def _first_of_face(pairs: Index, faces: int) -> NDArray[np.bool_]:
    """Edges that are the first at both their faces, where several are equally long."""
    first = np.full(faces, len(pairs))
    np.minimum.at(first, pairs.ravel(), np.repeat(np.arange(len(pairs)), 2))
    return np.asarray((first[pairs] == np.arange(len(pairs))[:, None]).all(axis=1))


def _halved(faces: Index, pair: Index, a: Index, b: Index, opposite: Index, middle: Index) -> Index:
    faces = faces.copy()
    c, d = opposite.T
    faces[pair[:, 0]], faces[pair[:, 1]] = np.stack([a, middle, c], axis=1), np.stack([b, middle, d], axis=1)
    return np.concatenate([faces, np.stack([middle, b, c], axis=1), np.stack([middle, a, d], axis=1)])
