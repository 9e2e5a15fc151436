from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellml.errors import CellmlError
from cellml.meshing.topology import surface_topology, voxel_euler_number
from cellml.surfaces import extract_surface
from cellml.surfaces.extraction import marching_tetrahedra
from cellml.types import Labels, Volume


def _ball(n=40, radius=152.0, spacing=10.0):
    at = (np.indices((n, n, n)) - (n - 1) / 2) * spacing
    return Volume(np.linalg.norm(at, axis=0) - radius, (spacing,) * 3)


def _assert_closed(faces):
    topology = surface_topology(faces)
    assert (topology.closed, topology.manifold, topology.oriented) == (True, True, True)
    return topology


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, st.tuples(*[st.integers(1, 5)] * 3), elements=st.sampled_from([-1.0, -0.5, 0.0, 0.0, 0.5, 1e-300, -1e-300, 1.0])))
def test_closed_and_manifold_however_many_values_hit_the_level(values):
    vertices, faces = marching_tetrahedra(values, (30.0, 10.0, 10.0), (0.0, 0.0, 0.0))
    inside = values < 0
    assert (len(faces) == 0) == (not inside.any())
    if len(faces):
        _assert_closed(faces)
        corners = vertices[faces]
        volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
        assert volume > 0
        assert (np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) > 0).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_no_face_is_inverted_and_none_cross(seed):
    """Slow twin: each face keeps its tetrahedron's inside corners behind it, so a ray from any of them meets the surface oddly often."""
    import trimesh

    values = np.random.default_rng(seed).integers(-1, 2, (4, 4, 4)).astype(float)
    vertices, faces = marching_tetrahedra(values, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    if len(faces) == 0:
        return
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    points = np.argwhere(np.ones(values.shape, bool))[:, ::-1].astype(float)
    from cellml.surfaces.winding import winding_number

    winding = winding_number(np.asarray(mesh.vertices), np.asarray(mesh.faces), points)
    assert (np.round(winding) == (values < 0).ravel()).all()


def test_sphere_in_its_frame():
    field = Volume(_ball().data, (10.0, 10.0, 10.0), origin=(100.0, 200.0, 300.0))
    surface = extract_surface(field)
    topology = _assert_closed(surface.faces)
    assert (topology.euler, topology.components) == (2, 1)
    assert surface.volume() == pytest.approx(4 / 3 * np.pi * 152.0**3, rel=0.005)
    radius = np.linalg.norm(surface.vertices - (495.0, 395.0, 295.0), axis=1)
    assert np.abs(radius - 152.0).max() < 0.5


def test_level_and_second_order():
    errors = []
    for spacing in (20.0, 10.0):
        ball = _ball(int(400 / spacing), 152.0, spacing)
        volume = extract_surface(ball, level=-32.0).volume()
        errors.append(abs(volume / (4 / 3 * np.pi * 120.0**3) - 1))
    assert errors[1] < 0.35 * errors[0]


def test_cap_is_flat_half_a_voxel_outside():
    field = Volume(_ball().data[:, :, :25], (10.0, 10.0, 10.0))
    surface = extract_surface(field)
    _assert_closed(surface.faces)
    assert surface.vertices[:, 0].max() == pytest.approx(245.0)
    cap = (np.abs(surface.vertices[surface.faces][:, :, 0] - 245.0) < 1e-9).all(axis=1)
    height = 245.0 - 195.0
    assert surface.areas()[cap].sum() == pytest.approx(np.pi * (152.0**2 - height**2), rel=0.05)


def test_label_keeps_its_volume_and_topology():
    mask = _ball(24, 80.0).data < 0
    mask &= ~(np.linalg.norm((np.indices((24,) * 3) - 11.5)[1:], axis=0) < 2.5)  # a bead with a bore
    labels = Labels(mask * 7 + (~mask) * 2, (10.0, 10.0, 10.0), origin=(5.0, 5.0, 5.0))
    surface = extract_surface(labels, label=7)
    assert _assert_closed(surface.faces).euler == voxel_euler_number(mask) == 0
    assert surface.volume() == pytest.approx(mask.sum() * 1000.0, rel=0.002)


def test_thick_sections_and_a_label_that_fills_the_volume():
    data = np.zeros((8, 30, 30), int)
    data[2:6, 5:25, 8:22] = 1
    thick = Labels(data, (50.0, 10.0, 10.0))
    assert extract_surface(thick, label=1).volume() == pytest.approx((data == 1).sum() * 5000.0, rel=0.002)
    full = extract_surface(Labels(np.ones((3, 4, 5), int), (10.0, 10.0, 10.0)), label=1)
    _assert_closed(full.faces)
    assert full.vertices.min(axis=0).tolist() == [-5.0, -5.0, -5.0]
    assert full.vertices.max(axis=0).tolist() == [45.0, 35.0, 25.0]


def test_refusals():
    ball = _ball(8, 20.0)
    with pytest.raises(CellmlError, match="Nothing in 'volume' lies below level=-90"):
        extract_surface(ball, level=-90.0)
    broken = ball.data.copy()
    broken[1, 2, 3] = np.nan
    with pytest.raises(CellmlError, match="1 NaN or infinite values"):
        extract_surface(Volume(broken, ball.spacing))
    with pytest.raises(CellmlError, match=r"holds no label 9; it has \[0, 4\]"):
        extract_surface(Labels((ball.data < 0) * 4, ball.spacing), label=9)
