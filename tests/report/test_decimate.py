from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.topology import boundary_facets
from cellml.report.decimate import decimate, decimate_together
from cellml.types import Surface

from .conftest import ball


@pytest.fixture(scope="module")
def sphere():
    mesh = ball(4, stretch=1.0)
    return Surface(mesh.points, boundary_facets(mesh.tets))


def test_a_sphere_keeps_its_volume_with_a_tenth_of_its_triangles(sphere):
    small = decimate(sphere, len(sphere.faces) // 10)
    assert len(small.faces) <= 1.05 * len(sphere.faces) // 10
    assert small.volume() == pytest.approx(sphere.volume(), rel=0.03)


def test_a_small_surface_loses_only_what_no_triangle_uses(sphere):
    same = decimate(sphere, len(sphere.faces))
    assert len(sphere.vertices) > len(same.vertices) == len(np.unique(sphere.faces))
    np.testing.assert_array_equal(same.vertices[same.faces], sphere.vertices[sphere.faces])


def test_several_surfaces_share_the_triangles(sphere):
    reduced = decimate_together([sphere] * 3, len(sphere.faces))
    assert sum(len(s.faces) for s in reduced) <= 1.05 * len(sphere.faces)
    assert min(len(s.faces) for s in reduced) > 0.25 * len(sphere.faces)


def test_nothing_stays_nothing():
    empty = Surface(np.zeros((3, 3)), np.zeros((0, 3), np.int64))
    assert len(decimate(empty, 10).faces) == 0
    assert decimate_together([], 10) == []
