"""Closed surfaces for MCell: every wall once, normals outwards, membranes as regions of walls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.io.mesh_functions import find_facets
from cellml.meshing.topology import components, edges_of, facet_pairs
from cellml.sim.domain import UM_PER_NM
from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import OUTSIDE, Located


@dataclass(frozen=True, eq=False)
class Shell:
    """One closed surface.

    name: a word; points: (P, 3) in µm; faces: (F, 3), counter-clockwise seen from outside; tags: (F,) facet tags, 0 for none; inside,
    outside: region numbers on either side.
    """

    name: str
    points: NDArray[np.float64]
    faces: NDArray[np.int64]
    tags: NDArray[np.int64]
    inside: int
    outside: int


def shells(located: Located) -> list[Shell]:
    """The connected pieces of all walls between regions and around them.

    Raises SimulationError where regions lie side by side, so that three of them (or two and the outside) meet at an edge: MCell's molecules
    leak where walls of two objects coincide.
    """
    mesh = located.mesh
    pairs = facet_pairs(mesh.tets)
    first, second = mesh.regions[pairs.first], np.where(pairs.second < 0, OUTSIDE, mesh.regions[pairs.second])
    wall = first != second
    faces, first, second = pairs.facets[wall], first[wall].astype(np.int64), second[wall].astype(np.int64)
    edges, edge_of = edges_of(faces)
    crowded = int((np.bincount(edge_of.ravel(), minlength=len(edges)) > 2).sum())
    if crowded:
        raise SimulationError(
            f"{mesh.name!r} has regions side by side: more than two walls meet at {crowded} edges. MCell needs regions inside one another; "
            "mesh them with a cleft between, or export to steps."
        )
    order = np.argsort(edge_of.ravel(), kind="stable")
    touching = (order // 3).reshape(-1, 2)
    count, piece = components(len(faces), touching[:, 0], touching[:, 1])
    row = find_facets(faces, mesh.facets)
    tags = np.where(row >= 0, np.append(mesh.facet_tags, 0)[row], 0)
    return [_shell(located, k, faces[piece == k], tags[piece == k], first[piece == k], second[piece == k]) for k in range(count)]


def _shell(
    located: Located, k: int, faces: NDArray[np.int64], tags: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> Shell:
    used, local = np.unique(faces, return_inverse=True)
    points, local = located.mesh.points[used] * UM_PER_NM, local.reshape(-1, 3)
    # All faces point away from one of the two regions: turn them so, and then outwards as a whole.
    turned = first != first[0]
    local[turned] = local[turned][:, [0, 2, 1]]
    a, b, c = (points[local[:, i]] for i in range(3))
    outwards = np.einsum("ij,ij->", a, np.cross(b, c)) > 0
    inside, outside = (int(first[0]), int(second[0] if not turned[0] else first[0]))
    return Shell(
        f"shell_{k + 1}", points, local if outwards else local[:, [0, 2, 1]], tags, *((inside, outside) if outwards else (outside, inside))
    )


def geometry(found: list[Shell], regions: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    """MDL of the shells; regions: word and facet tags of each membrane."""
    for shell in found:
        yield f"{shell.name} POLYGON_LIST\n{{\n  VERTEX_LIST\n  {{\n"
        yield from (f"    [ {x!r}, {y!r}, {z!r} ]\n" for x, y, z in shell.points.tolist())
        yield "  }\n  ELEMENT_CONNECTIONS\n  {\n"
        yield from (f"    [ {a}, {b}, {c} ]\n" for a, b, c in shell.faces.tolist())
        yield "  }\n"
        mine = {word: np.flatnonzero(np.isin(shell.tags, tags)).tolist() for word, tags in regions.items()}
        if any(mine.values()):
            yield "  DEFINE_SURFACE_REGIONS\n  {\n"
            for word, elements in mine.items():
                if elements:
                    yield f"    {word}\n    {{\n      ELEMENT_LIST = [ {', '.join(map(str, elements))} ]\n    }}\n"
            yield "  }\n"
        yield "}\n\n"
