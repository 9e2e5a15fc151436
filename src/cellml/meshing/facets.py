"""Names of facets: the membrane, the plane cuts at the border of the image, and the interfaces between regions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.crop import FACE_NAMES
from cellml.meshing.topology import Index, edges_of, facet_pairs

Floats = NDArray[np.float64]

MEMBRANE = 1
_FIRST_CUT = 2  # tags 2 … 7: cut_z0, cut_z1, cut_y0, cut_y1, cut_x0, cut_x1
_FIRST_INTERFACE = 10

# Facets belong to a wall if all corners lie on its plane within this share of the smallest voxel edge; the normal then lies along the axis.
ON_WALL = 1e-6


def facet_tag_names(region_names: Mapping[int, str]) -> dict[int, str]:
    """Every facet tag that can occur, with its name; interfaces are named `a|b` after their two regions, lower number first."""
    names = {MEMBRANE: "membrane"}
    names |= {_FIRST_CUT + 2 * axis + side: name for (axis, side), name in FACE_NAMES.items()}
    names |= {tag: f"{region_names[a]}|{region_names[b]}" for (a, b), tag in _interface_tags(list(region_names)).items()}
    return names


def tagged_facets(
    points: Floats, tets: Index, regions: NDArray[np.int32], planes: Mapping[tuple[int, int], float], tolerance: float
) -> tuple[Index, NDArray[np.int32]]:
    """Outer facets and interfaces of a mesh with their tags.

    An outer facet gets the tag of a wall if its three corners lie within `tolerance` of the wall's plane (so that its normal is the
    axis, to the same accuracy), and `membrane` otherwise; a facet between two regions gets the tag of that pair.
    points: (P, 3), columns (x, y, z) in nm; planes: coordinate in nm of each cutting wall, by (axis, side), axes (z, y, x).
    Returns facets (F, 3), outward from the region with the lower number, and tags (F,).
    """
    pairs = facet_pairs(tets)
    outer = pairs.second < 0
    other = np.where(outer, 0, regions[pairs.second])
    own = regions[pairs.first]
    chosen = outer | (own != other)
    facets, own, other, outer = pairs.facets[chosen].copy(), own[chosen], other[chosen], outer[chosen]
    inward = ~outer & (own > other)
    facets[inward, 1:] = facets[inward, :0:-1]
    tags = np.full(len(facets), MEMBRANE, np.int32)
    for (axis, side), plane in planes.items():
        on_plane = (np.abs(points[facets][:, :, 2 - axis] - plane) <= tolerance).all(axis=1)
        tags[outer & on_plane] = _FIRST_CUT + 2 * axis + side
    for (a, b), tag in _interface_tags(sorted(set(regions.tolist()))).items():
        tags[~outer & (np.minimum(own, other) == a) & (np.maximum(own, other) == b)] = tag
    return facets, tags


def ridges(facets: Index, tags: NDArray[np.int32]) -> Index:
    """Edges where a plane cut meets the membrane or another plane cut, (E, 2): sharp edges that optimisation must keep."""
    outer = tags < _FIRST_INTERFACE
    edges, edge_of = edges_of(facets[outer])
    tag = np.repeat(tags[outer], 3)
    lowest, highest = np.full(len(edges), np.iinfo(np.int32).max), np.zeros(len(edges), np.int64)
    np.minimum.at(lowest, edge_of.ravel(), tag)
    np.maximum.at(highest, edge_of.ravel(), tag)
    return edges[lowest != highest]


def flatten_cuts(
    points: Floats, facets: Index, tags: NDArray[np.int32], planes: Mapping[tuple[int, int], float], *, inset: float
) -> Floats:
    """Points put back into the box after optimisation: those of the plane cuts exactly onto their planes, others behind them.

    Optimisation follows curved surfaces, and a membrane that meets a wall at a grazing angle bulges through it by a fraction of a voxel.
    tags: (F,), of the facets (F, 3), as carried through optimisation; inset: distance in nm from the wall at which such points are put.
    """
    flat = points.copy()
    for (axis, side), plane in planes.items():
        inwards = -1.0 if side else 1.0
        coordinate = flat[:, 2 - axis]
        coordinate[(coordinate - plane) * inwards < inset] = plane + inwards * inset
        coordinate[facets[tags == _FIRST_CUT + 2 * axis + side]] = plane
    return flat


def _interface_tags(regions: list[int]) -> dict[tuple[int, int], int]:
    return {pair: _FIRST_INTERFACE + index for index, pair in enumerate(combinations(sorted(regions), 2))}
