"""A closed surface of genus 0 laid onto the sphere: one to one, without flips, areas kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.topology import surface_topology
from cellml.shapes.harmonics.coarsening import Level, coarsened
from cellml.shapes.harmonics.equalise import descend, energy_of
from cellml.shapes.harmonics.star import solid_angles
from cellml.types import Surface

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_COARSE_STEPS, _FINE_STEPS = 15, 1000
_COARSE_WEIGHT, _FINE_WEIGHT = 0.1, 0.05
_QUANTILES = (0.05, 0.5, 0.95)
_PUSHES = 20  # of a new vertex away from the sides of its polygon that it lies behind
_DEEP, _THIN = 1e-3, 1e-13  # distance of a new vertex from its polygon's sides that will do, and that none can tell from 0


@dataclass(frozen=True, eq=False)
class SphereMap:
    """Where each vertex lies on the sphere, and how true that is.

    directions: (V, 3), of length 1; flips: faces turned over (0 in a one-to-one map); coverage: sum of the faces' solid angles over 4π
    (1 in a one-to-one map); area_ratios: 5 %, 50 % and 95 % quantile, by area, of the sphere's share of a vertex's neighbourhood over the
    surface's; angle_distortion: area-weighted mean of Σ cot α |e|² / 4Ω, which is 1 for a conformal map.
    """

    directions: Floats
    flips: int
    coverage: float
    area_ratios: tuple[float, float, float]
    angle_distortion: float


def sphere_map(surface: Surface, *, steps: int = _FINE_STEPS, angle_weight: float = _FINE_WEIGHT) -> SphereMap:
    """Lay a closed surface without handles onto the unit sphere.

    The surface is taken down to a tetrahedron, which any four directions hold, and vertices are put back one after the other, each inside
    its neighbours' polygon, where it is seen from all of them; such a place always exists, so the map is one to one at every step (Praun &
    Hoppe 2003). Areas are made equal on the way, from coarse to fine, and at the end with the faces' own angles (`Energy`): at most `steps`
    steps, angles counting `angle_weight` against areas. It takes the place of the Laplace initialisation of Brechbühler et al. (1995),
    under which what branches off has exponentially small images.

    Raises CellmlError for surfaces of several parts, with holes or with handles, naming the number.
    """
    require_genus_0(surface)
    used, faces = np.unique(surface.faces, return_inverse=True)
    vertices, faces = surface.vertices[used], faces.reshape(-1, 3).astype(np.int64)
    areas = Surface(vertices, faces).areas()
    masses = np.bincount(faces.ravel(), weights=np.repeat(areas / 3, 3), minlength=len(vertices))
    masses = np.maximum(masses, 1e-6 * masses.mean())
    levels = coarsened(faces, masses)
    points = _tetrahedron(levels[-1], len(vertices))
    for coarse, fine in zip(levels[:0:-1], levels[-2::-1], strict=True):
        for vertex, around in reversed(coarse.returns):
            points[vertex] = place_within(points[list(around)])
        if fine is not levels[0]:
            points = _relaxed(fine, points)
    energy = energy_of(faces, masses, vertices, angle_weight)
    points = descend(energy, points, steps)
    directions = np.zeros_like(surface.vertices)
    directions[:, 2] = 1.0  # vertices that no face uses
    directions[used] = points
    return _judged(directions, points, faces, masses, energy.cotangents, areas)


def require_genus_0(surface: Surface) -> None:
    """Raise CellmlError for a surface that is not a deformed sphere."""
    if len(surface.faces) < 4:
        raise CellmlError(f"{surface.name!r} has {len(surface.faces)} faces, and a closed surface has 4 at least.")
    topology = surface_topology(surface.faces)
    if not (topology.closed and topology.manifold and topology.oriented):
        raise CellmlError(
            f"{surface.name!r} is not one closed surface ({len(topology.defects)} of its vertices are at open or crowded edges); repair it "
            "first (cellml.surfaces.repair)."
        )
    if topology.components > 1:
        raise CellmlError(f"{surface.name!r} has {topology.components} parts; harmonics describe one. Take them one by one.")
    if topology.euler != 2:
        raise CellmlError(
            f"{surface.name!r} has {1 - topology.euler // 2} handles (genus); spherical harmonics describe deformed spheres, of genus 0. "
            "Close narrow handles (cellml.shapes.reading, genus=0), or learn distances on a grid, which take any genus."
        )


def place_within(polygon: Floats) -> Floats:
    """A direction from which all sides of a polygon on the sphere are seen from within, polygon: (N, 3), counter-clockwise, its first
    corner such that it sees all others.

    The middle, moved away from sides that it lies behind; else close to the first corner, half-way between its sides.
    """
    normals = np.cross(polygon, np.roll(polygon, -1, axis=0))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    trial = polygon.sum(axis=0)
    trial /= max(float(np.linalg.norm(trial)), 1e-300)
    best, depth = trial, float((normals @ trial).min())
    for _ in range(_PUSHES):
        if depth > _DEEP:
            return best
        distance = normals @ trial
        wanted = 0.3 * float(np.abs(distance).max())
        trial = trial + normals.T @ np.maximum(wanted - distance, 0.0)
        trial = trial / max(float(np.linalg.norm(trial)), 1e-300)
        if (now := float((normals @ trial).min())) > depth:
            best, depth = trial, now
    near = _near_first(polygon)
    depths = (near @ normals.T).min(axis=1)
    if max(depth, float(depths.max())) <= _THIN:
        raise CellmlError("A vertex found no place among its neighbours on the sphere: faces have become thinner than numbers can tell.")
    return best if depth >= depths.max() else near[depths.argmax()]


def _near_first(polygon: Floats) -> Floats:
    """Directions half-way between the sides at the first corner, from afar to near, (N, 3)."""
    first = polygon[0]
    ends = [p - first * (p @ first) for p in (polygon[1], polygon[-1])]
    ends = [e / max(float(np.linalg.norm(e)), 1e-300) for e in ends]
    left = np.cross(first, ends[0])
    wedge = float(np.arctan2(left @ ends[1], ends[0] @ ends[1])) % (2 * np.pi)
    heading = np.cos(wedge / 2) * ends[0] + np.sin(wedge / 2) * left
    near = first + (0.5 ** np.arange(30))[:, None] * heading
    return np.asarray(near / np.linalg.norm(near, axis=1, keepdims=True))


def _tetrahedron(level: Level, count: int) -> Floats:
    points = np.zeros((count, 3))
    corners = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]) / np.sqrt(3.0)
    chosen = np.unique(level.faces)
    points[chosen] = corners
    if np.linalg.det(points[level.faces[0]]) < 0:
        points[chosen[:2]] = corners[[1, 0]]
    return points


def _relaxed(level: Level, points: Floats) -> Floats:
    used, faces = np.unique(level.faces, return_inverse=True)
    energy = energy_of(faces.reshape(-1, 3), level.masses[used], None, _COARSE_WEIGHT)
    points = points.copy()
    points[used] = descend(energy, points[used], _COARSE_STEPS, 1e-3)
    return points


def _judged(directions: Floats, points: Floats, faces: Index, masses: Floats, cotangents: Floats, areas: Floats) -> SphereMap:
    angles = solid_angles(points, faces)
    share = np.bincount(faces.ravel(), weights=np.repeat(angles / (12 * np.pi), 3), minlength=len(points))
    ratio, order = share / (masses / masses.sum()), np.argsort(share / masses)
    heights = np.cumsum(masses[order]) / masses.sum()
    low, middle, high = (float(ratio[order][min(np.searchsorted(heights, q), len(order) - 1)]) for q in _QUANTILES)
    corners = points[faces]
    edges = np.roll(corners, -2, axis=1) - np.roll(corners, -1, axis=1)
    conformal = 0.25 * np.einsum("ij,ijk,ijk->i", cotangents, edges, edges) / np.maximum(angles, 1e-300)
    return SphereMap(
        directions,
        int((angles <= 0).sum()),
        float(angles.sum() / (4 * np.pi)),
        (low, middle, high),
        float(np.average(conformal, weights=areas)),
    )
