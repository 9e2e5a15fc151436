"""Where a shape opens into its dendrite and where it is farthest from it: the facet sets `base` and `head`, by one rule for all shapes."""

from __future__ import annotations

import numpy as np

from cellml.errors import CellmlError
from cellml.shapes.base import with_base
from cellml.types import TetMesh

BASE, HEAD = "base", "head"
FARTHEST = 0.8  # of the greatest distance from the base, beyond which the head begins


def with_head(mesh: TetMesh) -> TetMesh:
    """The mesh with the facets farthest from its base named `head`.

    mesh: with facets named `base`. head: facets whose middle is farther from the nearest facet of the base than 0.8 of the greatest such
    distance; the place of the synapse, as far as the shape alone tells it. Raises CellmlError where there is no base, or the two touch.
    """
    from scipy.spatial import cKDTree

    base = np.isin(mesh.facet_tags, [tag for tag, name in mesh.facet_names.items() if name == BASE])
    if not base.any():
        raise CellmlError(f"{mesh.name!r} has no facets named {BASE!r}, so that it is not known which are far from it.")
    middles = mesh.points[mesh.facets].mean(axis=1)
    distances, _ = cKDTree(middles[base]).query(middles)
    far = (distances >= FARTHEST * distances.max()) & ~base
    if not far.any() or np.intersect1d(mesh.facets[far], mesh.facets[base]).size:
        raise CellmlError(
            f"The base of {mesh.name!r} is so large ({base.sum()} of {len(base)} facets) that nothing is far from it; mesh it more finely, "
            "or check where it was cut."
        )
    return with_base(mesh, far, HEAD)


def facets_area(mesh: TetMesh, name: str) -> float:
    """Area of the facets of a name, nm²."""
    a, b, c = mesh.points[mesh.facets_named(name)].transpose(1, 0, 2)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)
