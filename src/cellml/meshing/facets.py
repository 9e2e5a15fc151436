"""Names of facets: the membrane, the plane cuts at the border of the image, and the interfaces between regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.crop import FACE_NAMES
from cellml.meshing.topology import Index, edges_of, facet_pairs

Floats = NDArray[np.float64]

MEMBRANE = 1
_FIRST_CUT = 2  # tags 2 … 7: cut_z0, cut_z1, cut_y0, cut_y1, cut_x0, cut_x1
FIRST_INTERFACE = 10
OUTSIDE = 0  # the number, in a pair, of what lies outside all regions

# Facets belong to a wall if all corners lie on its plane within this share of the smallest voxel edge; the normal then lies along the axis.
ON_WALL = 1e-6

Pair = tuple[int, int]
Membranes = Mapping[str, Pair]  # name of a membrane: the two regions that it separates, OUTSIDE for none


@dataclass(frozen=True, eq=False)
class Facets:
    """Outer facets and interfaces, outward from the region with the lower number (F, 3), tags (F,), and the name of each tag present."""

    facets: Index
    tags: NDArray[np.int32]
    names: Mapping[int, str]


def tagged_facets(
    points: Floats,
    tets: Index,
    regions: NDArray[np.int32],
    planes: Mapping[tuple[int, int], float],
    tolerance: float,
    *,
    region_names: Mapping[int, str] | None = None,
    membranes: Membranes | None = None,
) -> Facets:
    """Outer facets and interfaces of a mesh with their tags and names.

    An outer facet gets the name of a wall if its three corners lie within `tolerance` of the wall's plane (so that its normal is the
    axis, to the same accuracy); else a facet between two regions, or a region and the outside, gets the name that `membranes` has for that
    pair; else `a|b` between regions a and b (lower number first) and `membrane` on the outside.
    points: (P, 3), columns (x, y, z) in nm; planes: coordinate in nm of each cutting wall, by (axis, side), axes (z, y, x).
    """
    facets, low, high = surface_facets(tets, regions)
    outer = low == OUTSIDE
    tags = np.full(len(facets), MEMBRANE, np.int32)
    names = {MEMBRANE: "membrane"}
    named = {(min(pair), max(pair)): name for name, pair in (membranes or {}).items()}
    text = region_names or {}
    pairs, which = np.unique(np.stack([low, high], axis=1), axis=0, return_inverse=True)
    for index, (a, b) in enumerate(pairs.tolist()):
        if a == OUTSIDE and (a, b) not in named:
            continue
        tag = FIRST_INTERFACE + index
        tags[which.reshape(-1) == index] = tag
        names[tag] = named.get((a, b), f"{text.get(a, a)}|{text.get(b, b)}")
    for (axis, side), plane in planes.items():
        on_plane = outer & (np.abs(points[facets][:, :, 2 - axis] - plane) <= tolerance).all(axis=1)
        tags[on_plane] = cut_tag(axis, side)
        names[cut_tag(axis, side)] = FACE_NAMES[axis, side]
    present = set(tags.tolist())
    return Facets(facets, tags, {tag: name for tag, name in names.items() if tag in present})


def named_pairs(membranes: Mapping[str, tuple[int | str, int | str]], region_names: Mapping[int, str]) -> dict[str, Pair]:
    """Pairs of region numbers from pairs of numbers or names. Raises CellmlError for a pair that names what is not there, or itself."""
    numbers = {name: number for number, name in region_names.items()} | {"outside": OUTSIDE}
    known = ", ".join(f"{number} ({name})" for number, name in sorted(region_names.items())) + ", 0 (outside)"
    result: dict[str, Pair] = {}
    for name, pair in membranes.items():
        a, b = (numbers.get(part, -1) if isinstance(part, str) else int(part) for part in pair)
        if not {a, b} <= {*region_names, OUTSIDE} or a == b:
            raise CellmlError(f"Membrane {name!r} separates {list(pair)}, but it must be two different ones of {known}.")
        twin = next((other for other, taken in result.items() if set(taken) == {a, b}), None)
        if twin is not None:
            raise CellmlError(f"Membranes {twin!r} and {name!r} both separate {list(pair)}; an interface has one name.")
        result[name] = (a, b)
    return result


def surface_facets(tets: Index, regions: NDArray[np.int32]) -> tuple[Index, NDArray[np.int64], NDArray[np.int64]]:
    """Facets on the outside or between two regions, and the lower and higher number of what they separate (OUTSIDE for none).

    Returns facets (F, 3), outward from the region with the lower number (the only one on the outside), and two (F,).
    """
    pairs = facet_pairs(tets)
    outer = pairs.second < 0
    other = np.where(outer, OUTSIDE, regions[pairs.second])
    own = regions[pairs.first].astype(np.int64)
    chosen = outer | (own != other)
    facets, own, other, outer = pairs.facets[chosen].copy(), own[chosen], other[chosen], outer[chosen]
    inward = ~outer & (own > other)
    facets[inward, 1:] = facets[inward, :0:-1]
    return facets, np.minimum(own, other), np.maximum(own, other)


def cut_tag(axis: int, side: int) -> int:
    """Tag of the facets on a wall."""
    return _FIRST_CUT + 2 * axis + side


def is_cut(tags: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which tags belong to walls."""
    return np.asarray((tags >= _FIRST_CUT) & (tags < _FIRST_CUT + 6))


def ridges(facets: Index, tags: NDArray[np.int32], patches: NDArray[np.int64]) -> Index:
    """Edges that optimisation must keep, (E, 2): where a plane cut meets anything else, and where a patch ends within its membrane.

    patches: (F,), number of the patch of each facet, 0 for none.
    """
    edges, edge_of = edges_of(facets)
    wall = is_cut(tags)
    kept = np.zeros(len(edges), bool)
    for chosen, value in ((wall | (tags == MEMBRANE), np.where(wall, tags, 0)), (~wall, patches)):
        of_edge, of_facet = edge_of[chosen].ravel(), np.repeat(value[chosen], 3)
        lowest, highest = np.full(len(edges), np.iinfo(np.int64).max), np.full(len(edges), -1)
        np.minimum.at(lowest, of_edge, of_facet)
        np.maximum.at(highest, of_edge, of_facet)
        kept |= (highest > lowest) & (highest >= 0)
    return edges[kept]


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
        coordinate[facets[tags == cut_tag(axis, side)]] = plane
    return flat
