from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.surfaces import extract_surface, signed_distance_of
from cellml.types import Surface


def _centres(volume):
    axes = [o + s * np.arange(n) for o, s, n in zip(volume.origin, volume.spacing, volume.data.shape, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return np.stack([x, y, z], axis=-1)


def test_sphere(shapes):
    sphere = shapes.sphere(centre=(500, -200, 30), subdivisions=4)
    distance = signed_distance_of(sphere, spacing_nm=8.0)
    true = np.linalg.norm(_centres(distance) - (500, -200, 30), axis=-1) - 100.0
    error = np.abs(distance.data - true)
    # The polyhedron lies at most 0.2 nm inside its sphere.
    assert error[np.abs(true) < 20.0].max() < 0.25
    assert error.max() < 8.0
    assert ((distance.data < 0) == (true < 0))[np.abs(true) > 0.3].all()


def test_slow_twin_distance_to_every_triangle(shapes):
    box = shapes.box(60.0, subdivisions=1)
    distance = signed_distance_of(box, spacing_nm=10.0, margin=2)
    points = _centres(distance).reshape(-1, 3)
    beyond = np.abs(points) - 30.0
    true = np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(axis=1), 0)
    near = np.abs(true) <= 30.0
    assert np.allclose(distance.data.ravel()[near], true[near], atol=1e-9)


def test_survives_holes_and_inside_out(shapes):
    sphere = shapes.sphere()
    whole = signed_distance_of(sphere, spacing_nm=10.0)
    kept = np.random.default_rng(0).random(len(sphere.faces)) > 0.03
    holed = signed_distance_of(Surface(sphere.vertices, sphere.faces[kept][:, ::-1]), spacing_nm=10.0)
    disagree = (whole.data < 0) != (holed.data < 0)
    assert disagree[np.abs(whole.data) > 5.0].sum() == 0


def test_overlapping_parts_are_united(shapes):
    pair = shapes.joined(shapes.sphere(), shapes.sphere(centre=(120, 0, 0)))
    distance = signed_distance_of(pair, spacing_nm=8.0)
    points = _centres(distance)
    true = np.minimum(np.linalg.norm(points, axis=-1), np.linalg.norm(points - (120, 0, 0), axis=-1)) - 100.0
    # Between the spheres the faces of either lie inside the other and count for nothing.
    middle = np.linalg.norm(points - (60, 0, 0), axis=-1) < 15.0
    assert distance.data[middle].max() < -40.0
    assert ((distance.data < 0) == (true < 0))[np.abs(true) > 1.5].all()


def test_cavity(shapes):
    hollow = shapes.joined(shapes.sphere(), shapes.inside_out(shapes.sphere(50.0)))
    distance = signed_distance_of(hollow, spacing_nm=10.0)
    radius = np.linalg.norm(_centres(distance), axis=-1)
    assert (distance.data[radius < 48] > 0).all()
    assert (distance.data[(radius > 52) & (radius < 97)] < 0).all()


def test_far_from_the_origin_in_float32(shapes):
    sphere = shapes.sphere()
    far = Surface((sphere.vertices + 1e6).astype(np.float32), sphere.faces)
    back = extract_surface(signed_distance_of(far, spacing_nm=8.0))
    assert Surface(back.vertices - 1e6, back.faces).volume() == pytest.approx(sphere.volume(), rel=0.01)
    assert np.allclose(back.vertices.mean(axis=0), 1e6, atol=1.0)


def test_refusals(shapes):
    sphere = shapes.sphere()
    with pytest.raises(CellmlError, match=r"takes 8\.\de\+09 voxels.*Use spacing_nm=0\.4"):
        signed_distance_of(sphere, spacing_nm=0.1)
    with pytest.raises(CellmlError, match="must be a positive length"):
        signed_distance_of(sphere, spacing_nm=float("nan"))
    with pytest.raises(CellmlError, match="0 faces and none with an area"):
        signed_distance_of(Surface(sphere.vertices, np.zeros((0, 3))), spacing_nm=10.0)
    sheet = Surface(np.array([[0.0, 0, 0], [100, 0, 0], [0, 100, 0]]), np.array([[0, 1, 2]]), name="sheet")
    with pytest.raises(CellmlError, match="'sheet' encloses nothing"):
        signed_distance_of(sheet, spacing_nm=10.0)
    cup = sphere.vertices[sphere.faces].mean(axis=1)[:, 2] > 0
    with pytest.raises(CellmlError, match="ambiguous"):
        signed_distance_of(Surface(sphere.vertices, sphere.faces[cup]), spacing_nm=5.0)
