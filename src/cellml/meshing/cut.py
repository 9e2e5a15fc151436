"""Cut tetrahedra along a level set, conformingly.

Vertices close to the level set are moved onto it first (the warp of Labelle & Shewchuk 2007, isosurface stuffing, section 3), then every
edge that still changes sign is split at its crossing. Edges are split in one global order, each tetrahedron being halved at its first
split edge until none is left: two tetrahedra that share a face halve it in the same order, so the result conforms. Cuts by further level
sets go through the same function, which is how several labels are meshed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.tetrahedron import TET_EDGES
from cellml.meshing.topology import Index, edges_of

Floats = NDArray[np.float64]

_MOST_STEPS = 24  # towards a level
_LEAST_WAY = 0.01  # of an edge between its ends and where it is split: cuts that pass a vertex closely one after another leave it no volume


@dataclass(frozen=True)
class CutMesh:
    """Tetrahedra on their way through cuts.

    points: (P, 3), columns (x, y, z) in nm; tets: (T, 4), positively oriented; values: (P,) of the level set that is cut next, in nm,
    negative inside; held: (P,) bits of the surfaces that a vertex must stay in (walls of the box, earlier cuts); regions: (T,), 0 not yet
    decided.
    """

    points: Floats
    tets: Index
    values: Floats
    held: NDArray[np.int64]
    regions: NDArray[np.int32]


def volumes(points: Floats, tets: Index) -> Floats:
    """Signed volumes of tetrahedra in nm³, (T,); points: (P, 3) in nm; tets: (T, 4)."""
    a, b, c, d = (points[tets[:, i]] for i in range(4))
    return np.asarray(np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) / 6.0)


def volume_below(volume: Floats, values: Floats, level: float) -> float:
    """Volume where a linear function on each tetrahedron is below a level.

    With values v₀ ≤ v₁ ≤ v₂ ≤ v₃ the fraction below t is Σ over corners with vᵢ < t of (t − vᵢ)³ / Πⱼ≠ᵢ (vⱼ − vᵢ) (the B-spline of Curry &
    Schoenberg 1966). volume: (T,) in nm³; values: (T, 4). Ties are separated by 1e-4 of the spread.
    """
    low, high = values.min(axis=1), values.max(axis=1)
    total = float(volume[high <= level].sum())
    mixed = (low < level) & (high > level)
    v = np.sort(values[mixed], axis=1)
    spread = v[:, 3] - v[:, 0]
    v = v + spread[:, None] * np.array([0.0, 1e-4, 2e-4, 3e-4])
    fraction = np.zeros(len(v))
    for i in range(4):
        others = [j for j in range(4) if j != i]
        fraction += np.maximum(level - v[:, i], 0.0) ** 3 / np.prod(v[:, others] - v[:, [i]], axis=1)
    return total + float((volume[mixed] * np.clip(fraction, 0.0, 1.0)).sum())


def volume_preserving_level(volume: Floats, values: Floats, target: float, *, reach: float, cap: Floats | None = None) -> float:
    """The level t for which the volume of {max(value − t, cap) < 0} in the tetrahedra is the target, within ± reach.

    volume: (T,) in nm³; values, cap: (T, 4) in nm at their corners; target in nm³. Returns the nearest end of the interval where the target
    is out of reach.
    """
    certain = (values.max(axis=1) < -reach) & (True if cap is None else cap.max(axis=1) < 0)
    possible = (values.min(axis=1) < reach) & ~certain
    target = target - float(volume[certain].sum())
    volume, values = volume[possible], values[possible]
    cap = None if cap is None else cap[possible]

    def excess(level: float) -> float:
        shifted = values - level
        return volume_below(volume, shifted if cap is None else np.maximum(shifted, cap), 0.0) - target

    return _root(excess, -reach, reach, 1e-7 * max(abs(target), float(volume.sum())))


def _root(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """Where an ascending function is zero, by false position with the Illinois rule (Dowell & Jarratt 1971); the nearest end if nowhere."""
    at_low, at_high = function(low), function(high)
    if at_low >= 0 or at_high <= 0:
        return low if at_low >= 0 else high
    side = 0
    for _ in range(_MOST_STEPS):
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        value = function(middle)
        if abs(value) <= tolerance:
            break
        if value < 0:
            low, at_low, at_high = middle, value, at_high * (0.5 if side < 0 else 1.0)
            side = -1
        else:
            high, at_high, at_low = middle, value, at_low * (0.5 if side > 0 else 1.0)
            side = 1
    return middle


def warp_to_level(mesh: CutMesh, *, share: float, frozen: NDArray[np.bool_]) -> CutMesh:
    """Move vertices that lie within `share` of an edge from the level set onto it, along that edge.

    A vertex moves only along edges that stay in all surfaces it is held in, never where `frozen`, and is put back where a tetrahedron would
    keep less than a fifth of its volume.
    """
    edges, _ = edges_of(mesh.tets)
    pairs = np.concatenate([edges, edges[:, ::-1]])
    value = mesh.values
    here, there = value[pairs[:, 0]], value[pairs[:, 1]]
    held_here, held_there = mesh.held[pairs[:, 0]], mesh.held[pairs[:, 1]]
    possible = (here * there < 0) & ((held_here & ~held_there) == 0) & ~frozen[pairs[:, 0]]
    pairs, way = pairs[possible], (here / (here - there + (here == there)))[possible]
    order = np.lexsort((way, pairs[:, 0]))
    vertex, first = np.unique(pairs[order, 0], return_index=True)
    best = order[first]
    near = way[best] < share
    vertex, target, way = vertex[near], pairs[best[near], 1], way[best[near]]
    return _move(mesh, vertex, target, way)


def _move(mesh: CutMesh, vertex: Index, target: Index, way: Floats) -> CutMesh:
    touched = np.zeros(len(mesh.points), bool)
    touched[vertex] = True
    tets = mesh.tets[touched[mesh.tets].any(axis=1)]
    before = volumes(mesh.points, tets)
    moved = np.ones(len(vertex), bool)
    while True:
        v, t, w = vertex[moved], target[moved], way[moved][:, None]
        points, values = mesh.points.copy(), mesh.values.copy()
        points[v] += w * (mesh.points[t] - mesh.points[v])
        values[v] = 0.0
        bad = volumes(points, tets) < 0.2 * before
        if not bad.any():
            return CutMesh(points, mesh.tets, values, mesh.held, mesh.regions)
        moved &= ~np.isin(vertex, tets[bad])


def split_at_level(mesh: CutMesh, *, region: int, inside: int, outside: int, bit: int) -> CutMesh:
    """Split the tetrahedra of one region along the zero of the level set and name the two sides.

    Every vertex on the level set gets the bit `bit` in `held`. Tetrahedra with all four corners on the level set go outside. A split keeps
    a hundredth of its edge from both ends, so that every tetrahedron keeps that share of its volume.
    """
    mesh = _split_crossing_edges(mesh, region)
    corner = mesh.values[mesh.tets]
    of_region = mesh.regions == region
    regions = mesh.regions.copy()
    regions[of_region] = np.where((corner[of_region] < 0).any(axis=1), inside, outside)
    held = mesh.held.copy()
    on_level = np.zeros(len(held), bool)
    on_level[mesh.tets[of_region]] = True
    on_level &= mesh.values == 0
    held[on_level] |= bit
    return CutMesh(mesh.points, mesh.tets, mesh.values, held, regions)


def _split_crossing_edges(mesh: CutMesh, region: int) -> CutMesh:
    # Tetrahedra of other regions that share a crossing edge are split too, or the mesh would not conform.
    value = mesh.values
    crossed = (mesh.regions == region) & (value[mesh.tets].min(axis=1) < 0) & (value[mesh.tets].max(axis=1) > 0)
    edges, _ = edges_of(mesh.tets[crossed])
    edges = edges[value[edges[:, 0]] * value[edges[:, 1]] < 0]
    a, b = edges.T
    return halve_edges(mesh, edges, np.clip(value[a] / (value[a] - value[b]), _LEAST_WAY, 1.0 - _LEAST_WAY))


def halve_edges(mesh: CutMesh, edges: Index, way: Floats) -> CutMesh:
    """Split edges (E, 2) at `way` (E,) from their first to their second end, the longest first, in all tetrahedra that have them.

    New vertices lie on the level set if its sign changes along the edge, and stay in all surfaces that both ends are held in.
    """
    length = np.linalg.norm(mesh.points[edges[:, 1]] - mesh.points[edges[:, 0]], axis=1)
    order = np.argsort(-length, kind="stable")
    a, b = edges[order].T
    way = way[order]
    between = (1.0 - way) * mesh.values[a] + way * mesh.values[b]
    points = np.concatenate([mesh.points, mesh.points[a] + way[:, None] * (mesh.points[b] - mesh.points[a])])
    values = np.concatenate([mesh.values, np.where(mesh.values[a] * mesh.values[b] < 0, 0.0, between)])
    held = np.concatenate([mesh.held, mesh.held[a] & mesh.held[b]])
    tets, regions = _halve(mesh.tets, mesh.regions, edges[order], len(mesh.points))
    return CutMesh(points, tets, values, held, regions)


def _halve(tets: Index, regions: NDArray[np.int32], edges: Index, first_new: int) -> tuple[Index, NDArray[np.int32]]:
    """Halve tetrahedra at listed edges, in the order of the list, until none is left; the vertex on edge i is first_new + i."""
    base = np.int64(first_new + len(edges))
    low, high = np.sort(edges, axis=1).T
    keys = low * base + high
    order = np.argsort(keys)
    keys = keys[order]
    done_tets, done_regions = [], []
    while len(tets):
        ends = np.sort(tets[:, TET_EDGES], axis=2)
        wanted = ends[..., 0] * base + ends[..., 1]
        place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        found = keys[place] == wanted if len(keys) else np.zeros(wanted.shape, bool)
        rank = np.where(found, order[place] if len(keys) else 0, len(edges))
        local = rank.argmin(axis=1)
        rank = rank.min(axis=1)
        whole = rank == len(edges)
        done_tets.append(tets[whole])
        done_regions.append(regions[whole])
        tets, regions, local, rank = tets[~whole], regions[~whole], local[~whole], rank[~whole]
        rows = np.arange(len(tets))
        one, two = tets.copy(), tets.copy()
        one[rows, TET_EDGES[local, 0]] = first_new + rank
        two[rows, TET_EDGES[local, 1]] = first_new + rank
        tets, regions = np.concatenate([one, two]), np.concatenate([regions, regions])
    return np.concatenate(done_tets), np.concatenate(done_regions)
