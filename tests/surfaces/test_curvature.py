from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing.topology import surface_topology
from cellml.surfaces.curvature import curvature
from cellml.types import Surface


def test_sphere(shapes):
    found = curvature(shapes.sphere(80.0))
    assert np.allclose(found.mean, 1 / 80.0, rtol=0.02)
    assert np.allclose(found.gaussian, 1 / 80.0**2, rtol=0.02)
    assert np.allclose(found.first, 1 / 80.0, rtol=0.15)
    assert found.area.sum() == pytest.approx(shapes.sphere(80.0).areas().sum())


def test_inside_of_a_sphere_is_concave(shapes):
    assert np.allclose(curvature(shapes.inside_out(shapes.sphere(80.0))).mean, -1 / 80.0, rtol=0.02)


def test_cylinder_and_its_border(shapes):
    tube = shapes.cylinder(radius=50.0)
    found = curvature(tube)
    border = (tube.vertices[:, 2] == 0) | (tube.vertices[:, 2] == 300)
    assert (np.isnan(found.mean) == border).all()
    assert np.allclose(found.mean[~border], 0.5 / 50.0, rtol=0.01)
    assert np.allclose(found.gaussian[~border], 0.0, atol=1e-9)
    assert np.allclose(found.first[~border], 1 / 50.0, rtol=0.01)
    assert np.allclose(found.second[~border], 0.0, atol=1e-6)


def test_torus(shapes):
    major, minor = 100.0, 40.0
    torus = shapes.torus(major, minor, sections=(120, 60))
    around = np.hypot(torus.vertices[:, 0], torus.vertices[:, 1])
    cosine = (around - major) / minor
    found = curvature(torus)
    scale = 1 / minor
    assert np.allclose(found.first, scale, atol=0.02 * scale)
    assert np.allclose(found.second, cosine / around, atol=0.02 * scale)
    assert np.allclose(found.gaussian, cosine / (minor * around), atol=0.02 * scale**2)


def test_error_on_a_sphere_falls_with_the_square_of_the_edge(shapes):
    errors = [np.abs(curvature(shapes.sphere(1.0, subdivisions=level)).mean - 1).mean() for level in (2, 3, 4)]
    assert errors[1] < 0.35 * errors[0]
    assert errors[2] < 0.35 * errors[1]


def test_gauss_bonnet_is_exact(shapes):
    rng = np.random.default_rng(0)
    for surface in (shapes.sphere(), shapes.torus(), shapes.box(), shapes.joined(shapes.sphere(), shapes.sphere(30.0, (500, 0, 0)))):
        rough = Surface(surface.vertices + rng.normal(size=surface.vertices.shape), surface.faces)
        total = np.nansum(curvature(rough).defect)
        assert total == pytest.approx(2 * np.pi * surface_topology(surface.faces).euler, abs=1e-9)


def test_slow_twin_of_the_mixed_areas(shapes):
    rng = np.random.default_rng(1)
    box = shapes.box()
    rough = Surface(box.vertices + 5 * rng.normal(size=box.vertices.shape), box.faces)
    area = np.zeros(len(rough.vertices))
    for face in rough.faces:
        p = rough.vertices[face]
        whole = 0.5 * np.linalg.norm(np.cross(p[1] - p[0], p[2] - p[0]))
        angle = [
            np.arccos(
                np.dot(p[(i + 1) % 3] - p[i], p[(i + 2) % 3] - p[i])
                / np.linalg.norm(p[(i + 1) % 3] - p[i])
                / np.linalg.norm(p[(i + 2) % 3] - p[i])
            )
            for i in range(3)
        ]
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            if max(angle) > np.pi / 2:
                area[face[i]] += whole / 2 if angle[i] > np.pi / 2 else whole / 4
            else:
                area[face[i]] += (np.sum((p[i] - p[j]) ** 2) / np.tan(angle[k]) + np.sum((p[i] - p[k]) ** 2) / np.tan(angle[j])) / 8
    assert np.allclose(curvature(rough).area, area)


def test_flat_faces_are_refused():
    flat = Surface(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]), np.array([[0, 1, 2]]))
    with pytest.raises(CellmlError, match="without area"):
        curvature(flat)
