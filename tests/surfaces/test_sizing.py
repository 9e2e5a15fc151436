from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing.topology import edges_of
from cellml.surfaces.sizing import limit_growth, local_thickness, size_by_curvature, sizing_field


def test_thickness_of_a_sphere_a_torus_and_a_tube(shapes):
    assert np.allclose(local_thickness(shapes.sphere(70.0)), 140.0, rtol=0.07)
    assert np.allclose(local_thickness(shapes.torus(100.0, 30.0)), 60.0, rtol=0.05)
    tube = shapes.cylinder(50.0)
    middle = np.abs(tube.vertices[:, 2] - 150.0) < 50.0
    assert np.allclose(local_thickness(tube)[middle], 100.0, rtol=0.03)


def test_thickness_of_a_shell_is_its_wall(shapes):
    shell = shapes.joined(shapes.sphere(100.0, subdivisions=4), shapes.inside_out(shapes.sphere(80.0, subdivisions=4)))
    assert np.allclose(local_thickness(shell), 20.0, rtol=0.15)


def test_size_by_curvature_is_a_chord(shapes):
    size = size_by_curvature(shapes.sphere(100.0, subdivisions=4), arc_deg=30.0)
    assert np.median(size) == pytest.approx(2 * 100.0 * np.sin(np.radians(15.0)), rel=0.05)


def test_growth_is_limited_and_nothing_grows(shapes):
    sphere = shapes.sphere()
    size = np.full(len(sphere.vertices), 50.0)
    size[0] = 2.0
    limited = limit_growth(sphere, size, growth=0.3)
    assert (limited <= size + 1e-12).all()
    assert limited[0] == 2.0
    a, b = edges_of(sphere.faces)[0].T
    length = np.linalg.norm(sphere.vertices[a] - sphere.vertices[b], axis=1)
    assert (np.abs(limited[a] - limited[b]) <= 0.3 * length + 1e-9).all()
    # The largest such field: each vertex below its own size hangs on a neighbour.
    slack = np.full(len(size), np.inf)
    np.minimum.at(slack, a, limited[b] + 0.3 * length - limited[a])
    np.minimum.at(slack, b, limited[a] + 0.3 * length - limited[b])
    assert np.allclose(slack[limited < size - 1e-9], 0.0, atol=1e-9)


def test_the_least_wins_within_bounds(shapes):
    sphere = shapes.sphere(100.0)

    def finer_above(points):
        return np.where(points[:, 2] > 0, 5.0, 100.0)

    size = sizing_field(sphere, finest=8.0, coarsest=30.0, function=finer_above)
    assert size[sphere.vertices[:, 2] > 0].max() == 8.0
    assert size.max() == 30.0
    plain = sizing_field(sphere, finest=1.0, coarsest=1000.0, arc_deg=None, across=4.0)
    assert np.allclose(plain, 50.0, rtol=0.07)


def test_refusals(shapes):
    with pytest.raises(CellmlError, match="finest=9 and coarsest=3"):
        sizing_field(shapes.sphere(), finest=9, coarsest=3)
    with pytest.raises(CellmlError, match="each of 642 points"):
        sizing_field(shapes.sphere(), finest=1, coarsest=30, function=lambda points: -np.ones(len(points)))
