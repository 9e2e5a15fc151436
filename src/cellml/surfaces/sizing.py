"""Edge lengths that a surface needs: by its curvature, its thickness or a function, changing gradually from place to place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from cellml.errors import CellmlError
from cellml.meshing.topology import edges_of
from cellml.surfaces.curvature import curvature
from cellml.surfaces.smoothing import vertex_normals
from cellml.types import Surface

Floats = NDArray[np.float64]


def sizing_field(
    surface: Surface,
    *,
    finest: float,
    coarsest: float,
    arc_deg: float | None = 25.0,
    across: float | None = 2.0,
    function: Callable[[Floats], Floats] | None = None,
    growth: float = 0.3,
) -> Floats:
    """Edge length wanted at each vertex, (V,) in nm: the least of what curvature, thickness and a function ask, within bounds.

    finest, coarsest: bounds in nm; arc_deg: degrees of the tightest osculating circle that an edge may span (None: curvature counts for
    nothing); across: edges that fit into the local thickness (None: thickness counts for nothing); function: of points (N, 3) in nm, giving
    nm; growth: most that the length may grow for each nm along the surface. Raises CellmlError for bounds that are not 0 < finest ≤
    coarsest and for a function that gives something else than positive lengths.
    """
    if not 0 < finest <= coarsest:
        raise CellmlError(f"Edge lengths need 0 < finest ≤ coarsest, got finest={finest} and coarsest={coarsest} nm.")
    size = np.full(len(surface.vertices), float(coarsest))
    if arc_deg is not None:
        size = np.minimum(size, size_by_curvature(surface, arc_deg=arc_deg))
    if across is not None:
        size = np.minimum(size, local_thickness(surface) / across)
    if function is not None:
        size = np.minimum(size, _given(function, surface))
    return limit_growth(surface, np.clip(size, finest, coarsest), growth=growth)


def size_by_curvature(surface: Surface, *, arc_deg: float) -> Floats:
    """Chord 2 sin(θ/2) / |κ| of an arc of θ on the tightest osculating circle, (V,) in nm; infinite on planes and on borders."""
    found = curvature(surface)
    tightest = np.maximum(np.abs(found.first), np.abs(found.second))
    with np.errstate(divide="ignore"):
        return np.where(np.isfinite(tightest), 2.0 * np.sin(np.radians(arc_deg) / 2.0) / tightest, np.inf)


def local_thickness(surface: Surface, *, rounds: int = 20) -> Floats:
    """Diameter of the largest ball inside the surface that touches it at each vertex, (V,) in nm.

    Shrinking balls (Ma et al. 2012): a ball that touches vertex p from within, with centre p − r n, shrinks to r = |p − q|² / 2 n·(p − q)
    for the vertex q nearest to its centre, until no vertex lies inside. Vertices less than 7.5° below the tangent plane of p belong to
    its own sheet and end the shrinking.
    """
    points, normals = surface.vertices, vertex_normals(surface.vertices, surface.faces)
    tree = cKDTree(points)
    radius = np.full(len(points), float(np.linalg.norm(np.ptp(points, axis=0))))
    active = np.arange(len(points))
    for _ in range(rounds):
        centre = points[active] - radius[active, None] * normals[active]
        distance, nearest = tree.query(centre)
        gap = points[active] - points[nearest]
        square, along = (gap**2).sum(axis=1), np.einsum("ij,ij->i", gap, normals[active])
        inside = (distance < radius[active] * (1 - 1e-6)) & (along > 0) & (along > np.sin(np.radians(7.5)) * np.sqrt(square))
        active = active[inside]
        if len(active) == 0:
            break
        radius[active] = square[inside] / (2.0 * along[inside])
    return 2.0 * radius


def limit_growth(surface: Surface, size: Floats, *, growth: float) -> Floats:
    """The largest field below `size` that grows by at most `growth` nm for each nm along the edges, (V,) in nm.

    h(v) = min over w of h₀(w) + g d(v, w): shortest paths from a source that lies h₀(w) away from each vertex w.
    """
    edges, _ = edges_of(surface.faces)
    length = growth * np.linalg.norm(surface.vertices[edges[:, 0]] - surface.vertices[edges[:, 1]], axis=1)
    count = len(surface.vertices)
    source = np.full(count, count)
    rows, columns = np.concatenate([edges[:, 0], source]), np.concatenate([edges[:, 1], np.arange(count)])
    # Zero would mean no edge to the sparse graph.
    weights = np.maximum(np.concatenate([length, size]), 1e-300)
    graph = csr_matrix((weights, (rows, columns)), shape=(count + 1, count + 1))
    return np.asarray(dijkstra(graph, directed=False, indices=count)[:count])


def _given(function: Callable[[Floats], Floats], surface: Surface) -> Floats:
    given = np.asarray(function(surface.vertices), np.float64)
    if given.shape != (len(surface.vertices),) or not (given > 0).all():
        raise CellmlError(
            f"The sizing function must give a positive length in nm for each of {len(surface.vertices)} points; it gave an array of shape "
            f"{given.shape} with values from {np.nanmin(given):.3g} to {np.nanmax(given):.3g}."
        )
    return given
