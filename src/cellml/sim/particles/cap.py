"""A ball whose surface has an exit: a spherical cap, with the mesh graded to its rim."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from cellml.sim.adaptive.bisection import Bisection, bisect
from cellml.sim.adaptive.uniform import refine_uniformly
from cellml.sim.analytic import boundary, oriented
from cellml.sim.particles.cells import Floats, Index
from cellml.types import TetMesh

# Tetrahedra within this many of their own radii of the rim are halved until they are as small as asked.
_GRADING = 3.0
# Polar angle for each unit of level near the corner of the icosahedron, on the average around it.
_SLOPE = 0.95


def ball_with_cap(radius: float, cap: float, *, refinements: int = 4, rim: float = 0.25) -> TetMesh:
    """A ball around the origin with a cap around +z named exit, of geodesic radius `cap`; the rest of its surface is named membrane.

    radius, cap in nm; refinements: of an icosahedron, eight times the tetrahedra each; rim: length of the edges of the rim as a share of
    `cap`. The rim is a ring of edges whose points lie on the circle, exactly but for a few that tetrahedra hold back. There are
    20·8^refinements tetrahedra and some 15 000 to 100 000 more at the rim.
    """
    angle = cap / radius
    mesh = _icosahedron()
    for _ in range(refinements):
        mesh, _ = refine_uniformly(mesh)
    ring = max(round(2**refinements * angle / _SLOPE), 1) / 2**refinements
    facets = boundary(mesh.tets)
    tags = np.where((_level(mesh.points)[facets] <= ring + 1e-9).all(axis=1), 2, 1).astype(np.int32)
    points = _rounded(mesh.points, ring, angle) * radius
    ball = TetMesh(points, mesh.tets, mesh.regions, {1: "cell"}, facets, tags, {1: "membrane", 2: "exit"}, "ball")
    return _graded(ball, radius, angle, rim * cap)


def _icosahedron() -> TetMesh:
    """The icosahedron of circumradius 1 with a corner at +z, as 20 tetrahedra about its centre."""
    around = np.arange(5) * 2 * math.pi / 5
    rings = [(np.cos(around + turn), np.sin(around + turn), np.full(5, z)) for turn, z in ((0.0, 0.5), (math.pi / 5, -0.5))]
    upper, lower = (np.column_stack([2 * x, 2 * y, 2 * z]) / math.sqrt(5) for x, y, z in rings)
    points = np.vstack([[0.0, 0, 0], [0, 0, 1], upper, lower, [0, 0, -1]])
    k, after = np.arange(5), (np.arange(5) + 1) % 5
    faces = [(np.ones(5), 2 + k, 2 + after), (2 + k, 7 + k, 2 + after), (2 + after, 7 + k, 7 + after), (np.full(5, 12), 7 + k, 7 + after)]
    triangles = np.concatenate([np.column_stack(face) for face in faces]).astype(np.int64)
    tets = oriented(points, np.column_stack([np.zeros(20, np.int64), triangles]))
    return TetMesh(points, tets, np.ones(20, np.int32))


def _gauge(points: Floats) -> Floats:
    """1 on the icosahedron, 0 at its centre, linear between."""
    solid = _icosahedron()
    normals = solid.points[boundary(solid.tets)].mean(axis=1)
    return np.asarray((points @ (normals / (normals**2).sum(axis=1, keepdims=True)).T).max(axis=1))


def _level(points: Floats) -> Floats:
    """Of points on the icosahedron: 0 at the corner +z, 1 at the five edges opposite to it, linear between; infinite inside."""
    gauge = _gauge(points)
    return np.where(gauge > 1 - 1e-9, (1 - points[:, 2]) / (1 - 1 / math.sqrt(5)), np.inf)


def _rounded(points: Floats, ring: float, angle: float) -> Floats:
    """The icosahedron mapped onto the unit ball along rays, with latitudes around +z corrected so that the level `ring` lies at `angle`."""
    r = _gauge(points)
    length = np.linalg.norm(points, axis=1)
    polar = np.arccos(np.clip(np.divide(points[:, 2], length, out=np.ones(len(r)), where=length > 0), -1, 1))
    outside = points / np.maximum(r, 1e-12)[:, None]
    level = (1 - outside[:, 2]) / (1 - 1 / math.sqrt(5))
    weight = np.where(level <= ring, 1.0, (np.maximum(1 - level, 0.0) / (1 - ring)) ** 2) * r**2
    polar = (1 - weight) * polar + weight * angle * level / ring
    turn = np.arctan2(points[:, 1], points[:, 0])
    return np.asarray(r[:, None] * np.column_stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)]))


def _graded(ball: TetMesh, radius: float, angle: float, smallest: float) -> TetMesh:
    """Halve tetrahedra near the rim until its edges are at most `smallest` (nm)."""
    bisection = Bisection.of(ball)
    while True:
        mesh = bisection.mesh
        corners = mesh.points[mesh.tets]
        size = np.linalg.norm(corners - corners.mean(axis=1, keepdims=True), axis=2).max(axis=1)
        near = _rim_distance(corners.mean(axis=1), radius, angle) < _GRADING * size
        chosen = near & (size > 0.6 * smallest)
        if not chosen.any():
            return mesh
        fine = bisect(bisection, chosen, distance=lambda x: _sphere(x, radius))
        bisection = Bisection(_rim_on_circle(fine.mesh, radius, angle), fine.bisection.marked)


def _rim_distance(x: Floats, radius: float, angle: float) -> Floats:
    """Distance of points (N, 3) from the circle at `angle` from +z on the sphere."""
    return np.asarray(np.hypot(np.hypot(x[:, 0], x[:, 1]) - radius * math.sin(angle), x[:, 2] - radius * math.cos(angle)))


def _sphere(x: Floats, radius: float) -> tuple[Floats, Floats]:
    r = np.linalg.norm(x, axis=1)
    return r - radius, x / r[:, None]


def _rim_on_circle(mesh: TetMesh, radius: float, angle: float) -> TetMesh:
    """Move the points between cap and membrane onto the circle, except where that would turn a tetrahedron inside out."""
    on = rim_points(mesh)
    x, y = mesh.points[on, 0], mesh.points[on, 1]
    out = radius * math.sin(angle) / np.hypot(x, y)
    points = mesh.points.copy()
    points[on] = np.column_stack([x * out, y * out, np.full(len(on), radius * math.cos(angle))])
    while True:
        a, b, c, d = (points[mesh.tets[:, i]] for i in range(4))
        spoilt = mesh.tets[np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) < 0.1 * 6 * mesh.volumes()]
        if len(spoilt) == 0:
            return replace(mesh, points=points)
        back = np.intersect1d(spoilt, on)
        points[back] = mesh.points[back]


def rim_points(mesh: TetMesh) -> Index:
    """Points that belong to facets of both names."""
    return np.intersect1d(mesh.facets_named("exit"), mesh.facets_named("membrane"))
