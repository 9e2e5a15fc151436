from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.report.plane_cut import cut_by_plane, whole
from cellml.sim.analytic import box


def area_and_volume(points, faces):
    a, b, c = (points[faces[:, k]] for k in range(3))
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1), np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0


def test_half_a_box_has_half_its_volume_and_a_flat_section():
    mesh = box((200.0, 300.0, 400.0), (2, 3, 4))
    cut = cut_by_plane(mesh, np.array([100.0, 150.0, 210.0]), np.array([0.0, 0.0, 1.0]))
    points = cut.at_vertices(mesh.points)
    areas, volume = area_and_volume(points, cut.faces)
    assert volume == pytest.approx(200 * 300 * 210)  # closed, and all faces turned outwards
    flat = np.isclose(points[cut.faces][:, :, 2], 210.0).all(axis=1)
    assert areas[flat].sum() == pytest.approx(200 * 300)
    assert points[:, 2].max() == pytest.approx(210.0)


@settings(max_examples=25, deadline=None)
@given(angles=st.tuples(st.floats(0, 6), st.floats(0, 3)), shift=st.floats(-120, 120))
def test_both_sides_together_are_the_whole_and_linear_fields_are_exact(angles, shift):
    mesh = box((200.0, 300.0, 400.0), (2, 2, 3))
    normal = np.array([np.cos(angles[0]) * np.sin(angles[1]), np.sin(angles[0]) * np.sin(angles[1]), np.cos(angles[1])])
    centre = np.array([100.0, 150.0, 200.0]) + shift * normal
    volumes = []
    for side in (normal, -normal):
        cut = cut_by_plane(mesh, centre, side)
        points = cut.at_vertices(mesh.points)
        assert ((points - centre) @ side).max(initial=-1.0) < 1e-6
        assert np.allclose(cut.at_vertices(mesh.points @ [1.0, -2.0, 3.0]), points @ [1.0, -2.0, 3.0])
        volumes.append(area_and_volume(points, cut.faces)[1])
    assert sum(volumes) == pytest.approx(200 * 300 * 400, rel=1e-9)


def test_each_face_belongs_to_the_tetrahedron_behind_it():
    mesh = box((200.0, 200.0, 200.0), (2, 2, 2))
    normal = np.array([0.3, 0.5, 0.8])
    cut = cut_by_plane(mesh, np.array([90.0, 110.0, 105.0]), normal)
    middles = cut.at_vertices(mesh.points)[cut.faces].mean(axis=1)
    corners = mesh.points[mesh.tets[cut.tet]]
    edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    weights = np.linalg.solve(edges, (middles - corners[:, 0])[:, :, None])[:, :, 0]
    assert weights.min() > -1e-9 and weights.sum(axis=1).max() < 1 + 1e-9


def test_a_membrane_is_seen_from_both_sides():
    mesh = box((100.0, 100.0, 100.0), (1, 1, 1))
    cut = whole(mesh.facets)
    points = cut.at_vertices(mesh.points)
    half = len(cut.faces) // 2
    assert half == len(mesh.facets)
    assert np.allclose(points[cut.faces[:half]], mesh.points[mesh.facets])
    assert np.array_equal(cut.faces[half:], cut.faces[:half, ::-1])
