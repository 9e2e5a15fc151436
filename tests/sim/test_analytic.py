from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import ball, boundary, box, cylinder


def test_box_has_its_volume_and_its_faces_have_their_areas():
    mesh = box((200.0, 300.0, 1000.0), (2, 3, 4), cuts=("z0", "x1"))
    assert mesh.volumes().sum() == pytest.approx(200 * 300 * 1000)
    areas = {name: _area(mesh.points, mesh.facets_named(name)) for name in ("cut_z0", "cut_x1", "membrane")}
    assert areas == pytest.approx({"cut_z0": 6e4, "cut_x1": 3e5, "membrane": 6e4 + 3e5 + 2 * 2e5})


@pytest.mark.parametrize("mesh", [ball(500.0, 2), cylinder(300.0, 800.0, refinements=2, layers=5)], ids=lambda m: m.name)
def test_facets_close_the_shape_and_look_outwards(mesh):
    a, b, c = (mesh.points[mesh.facets[:, i]] for i in range(3))
    assert np.einsum("ij,ij->", a, np.cross(b, c)) / 6 == pytest.approx(mesh.volumes().sum())
    edges = np.sort(np.concatenate([mesh.facets[:, [0, 1]], mesh.facets[:, [1, 2]], mesh.facets[:, [2, 0]]]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_curved_shapes_approach_their_volume_with_order_two():
    balls = [abs(1 - ball(1.0, n).volumes().sum() / (4 / 3 * np.pi)) for n in (2, 3)]
    tubes = [abs(1 - cylinder(1.0, 2.0, refinements=n, layers=2).volumes().sum() / (2 * np.pi)) for n in (2, 3)]
    assert np.log2(balls[0] / balls[1]) > 1.8
    assert np.log2(tubes[0] / tubes[1]) > 1.8


def test_boundary_of_two_tetrahedra_leaves_out_the_face_between_them():
    tets = np.array([[0, 1, 2, 3], [1, 2, 3, 4]])
    faces = {tuple(sorted(face)) for face in boundary(tets).tolist()}
    assert len(faces) == 6
    assert (1, 2, 3) not in faces


def _area(points, facets):
    a, b, c = (points[facets[:, i]] for i in range(3))
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()
