"""Faces that keep an otherwise closed surface from being embedded: crossings, folds and faces without area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.intersections import crossing_facets
from cellml.meshing.topology import Index, edges_of

Floats = NDArray[np.float64]

_FLAT = 1e-9  # height of a face, as part of its longest edge, below which it has no area
_FOLDED = -0.999999  # cosine between the normals of neighbours that lie on each other


@dataclass(frozen=True)
class Flaws:
    """crossings: pairs of faces that cross, (N, 2); bad: faces without area or folded back on a neighbour, (M,)."""

    crossings: Index
    bad: Index

    @property
    def none(self) -> bool:
        """Whether the surface is embedded."""
        return len(self.crossings) == 0 and len(self.bad) == 0

    def reach(self, faces: Index, steps: int) -> NDArray[np.bool_]:
        """Faces to take out, (F,), in ever wider choice: one of each crossing pair, both, their neighbours across edges, and so on.

        Of crossing pairs those with most crossings go first, so that one stray face goes rather than the many that it cuts.
        """
        out = np.zeros(len(faces), bool)
        out[self.bad] = True
        out[_cover(self.crossings, len(faces)) if steps == 0 else self.crossings.ravel()] = True
        _, edge_of = edges_of(faces)
        for _ in range(steps - 1):
            out[:] = np.isin(edge_of, edge_of[out]).any(axis=1)
        return out


def find_flaws(vertices: Floats, faces: Index) -> Flaws:
    """All that keeps a closed manifold surface from being embedded."""
    flat = np.flatnonzero(flat_faces(vertices, faces))
    return Flaws(crossing_facets(vertices, faces), np.union1d(flat, folded_faces(vertices, faces)))


def flat_faces(vertices: Floats, faces: Index) -> NDArray[np.bool_]:
    """Faces whose height is nothing against their longest edge, (F,)."""
    corners = vertices[faces]
    longest = np.max([np.linalg.norm(corners[:, i] - corners[:, i - 1], axis=1) for i in range(3)], axis=0)
    twice_area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return np.asarray(twice_area <= _FLAT * longest**2)


def folded_faces(vertices: Floats, faces: Index) -> Index:
    """Faces that lie back on a neighbour, the smaller of the two, (N,)."""
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(normal, axis=1)
    normal = normal / np.maximum(size, 1e-300)[:, None]
    edges, edge_of = edges_of(faces)
    order = np.argsort(edge_of.ravel(), kind="stable")
    uses = np.bincount(edge_of.ravel(), minlength=len(edges))
    first = np.concatenate([[0], np.cumsum(uses)[:-1]])[uses == 2]
    a, b = order[first] // 3, order[first + 1] // 3
    folded = np.einsum("ij,ij->i", normal[a], normal[b]) < _FOLDED
    return np.unique(np.where(size[a] < size[b], a, b)[folded])


def _cover(pairs: Index, faces: int) -> Index:
    """A small set of faces that touches every pair, the one in most pairs first."""
    chosen = []
    while len(pairs):
        worst = int(np.bincount(pairs.ravel(), minlength=faces).argmax())
        chosen.append(worst)
        pairs = pairs[(pairs != worst).all(axis=1)]
    return np.array(chosen, np.int64)
