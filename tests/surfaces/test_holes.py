from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from cellml.meshing.topology import surface_topology
from cellml.surfaces.half_edges import cut_into_fans, match_half_edges
from cellml.surfaces.holes import border_loops, fill_hole
from cellml.types import Surface


def _closed(vertices, faces):
    vertices, faces, _ = cut_into_fans(vertices, faces, match_half_edges(vertices, faces))
    loops, becomes = border_loops(vertices, faces, match_half_edges(vertices, faces))
    faces = becomes[faces]
    for ring in loops:
        vertices, filling = fill_hole(vertices, faces, ring)
        faces = np.concatenate([faces, filling])
    return vertices, faces, loops


def _triangulations(n):
    """All of a polygon's corners 0 … n − 1."""

    def between(i, k):
        if k - i < 2:
            return [[]]
        return [[*left, (i, m, k), *right] for m in range(i + 1, k) for left, right in product(between(i, m), between(m, k))]

    return between(0, n - 1)


def test_slow_twin_least_of_all_triangulations():
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * np.arange(7) / 7
    ring = np.stack([10 * np.cos(angle), 10 * np.sin(angle), 4 * rng.normal(size=7)], axis=1)
    _, filling = fill_hole(ring, np.zeros((0, 3), int), np.arange(7))
    areas = [Surface(ring, np.array(t)).areas().sum() for t in _triangulations(7)]
    assert len(areas) == 42
    assert Surface(ring, filling).areas().sum() < 1.02 * min(areas)


def test_holes_that_touch_in_a_vertex_are_two(shapes):
    sphere = shapes.sphere(subdivisions=2)
    fan = np.flatnonzero((sphere.faces == 5).any(axis=1))
    faces = np.delete(sphere.faces, [fan[0], fan[2]], axis=0) if len(fan) > 3 else sphere.faces
    vertices, closed, loops = _closed(sphere.vertices, faces)
    assert len(loops) == 2
    topology = surface_topology(closed)
    assert topology.manifold
    assert topology.oriented
    assert Surface(vertices, closed).volume() == pytest.approx(sphere.volume())


def test_long_border_gets_a_vertex_in_its_middle():
    angle = 2 * np.pi * np.arange(400) / 400
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    vertices, filling = fill_hole(ring, np.zeros((0, 3), int), np.arange(400))
    assert len(vertices) == 401
    assert np.allclose(vertices[-1], 0.0)
    assert Surface(vertices, filling).areas().sum() == pytest.approx(np.pi, rel=1e-3)


def test_no_chord_repeats_an_edge():
    """A square hole whose diagonals are edges of the surface already takes a vertex in the middle."""
    square = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, -1], [0.5, 0.5, -2]])
    below = np.array([[0, 2, 4], [1, 3, 5]])
    vertices, filling = fill_hole(square, below, np.arange(4))
    assert len(vertices) == 7
    assert len(filling) == 4
