"""Facet tags as a function on all facets of a mesh, the way of FEniCS (legacy dolfin): every facet once, 0 where it has no tag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.topology import facet_pairs
from cellml.types import TetMesh

Index = NDArray[np.int64]


@dataclass(frozen=True)
class FacetFunction:
    """facets: (F, 3) all facets; values: (F,) their tags, 0 for none; cell: (F,) a tetrahedron that owns the facet."""

    facets: Index
    values: Index
    cell: Index


def facet_function(mesh: TetMesh) -> FacetFunction:
    """The tags of a mesh on all its facets.

    Raises CellmlError for what such a function cannot hold: negative regions, tags below 1, a facet with two tags, and triangles that are
    no facets of any tetrahedron.
    """
    if len(mesh.facets) and mesh.facet_tags.min() < 1:
        raise CellmlError(f"{mesh.name!r} has the facet tag {mesh.facet_tags.min()}; mesh functions need tags from 1, for 0 means none.")
    if mesh.regions.min() < 0:
        raise CellmlError(f"{mesh.name!r} has the region number {mesh.regions.min()}; mesh functions need numbers from 0.")
    pairs = facet_pairs(mesh.tets)
    place = find_facets(mesh.facets, pairs.facets)
    if (place < 0).any():
        raise CellmlError(
            f"{int((place < 0).sum())} tagged triangles of {mesh.name!r} are no facets of its tetrahedra; .vtu can keep them."
        )
    values = np.zeros(len(pairs.facets), np.int64)
    values[place] = mesh.facet_tags
    if (values[place] != mesh.facet_tags).any():
        count = int((values[place] != mesh.facet_tags).sum())
        raise CellmlError(f"{count} facets of {mesh.name!r} have two tags; a mesh function keeps one, .vtu keeps both.")
    return FacetFunction(pairs.facets, values, pairs.first)


def outward(tets: Index, regions: NDArray[np.int32], facets: Index) -> Index:
    """Facets (F, 3) turned outwards: from the mesh, or from the neighbouring region with the lower number.

    A mesh function keeps no order of corners. Raises CellmlError for triangles that are no facets of the tetrahedra (T, 4).
    """
    pairs = facet_pairs(tets)
    inner = pairs.second >= 0
    inward = inner & (regions[pairs.first] > regions[pairs.second])
    oriented = pairs.facets.copy()
    oriented[inward, 1:] = oriented[inward, :0:-1]
    place = find_facets(facets, oriented)
    if (place < 0).any():
        raise CellmlError(f"{int((place < 0).sum())} tagged triangles are no facets of the tetrahedra.")
    return np.asarray(oriented[place])


def positive(points: NDArray[np.float64], tets: Index) -> Index:
    """Tetrahedra with two corners swapped where their volume is negative: dolfin sorts corners by number and keeps no orientation."""
    a, b, c, d = (points[tets[:, i]] for i in range(4))
    negative = np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) < 0
    turned = tets.copy()
    turned[negative, 2:] = turned[negative, :1:-1]
    return turned


def find_facets(wanted: Index, known: Index) -> Index:
    """Row of `known` (F, 3) with the same corners in any order, for each row of `wanted`; -1 where there is none."""
    rows = np.sort(np.concatenate([known, wanted]), axis=1)
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    found = first[np.asarray(inverse).reshape(-1)[len(known) :]]
    return np.asarray(np.where(found < len(known), found, -1))
