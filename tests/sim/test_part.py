from __future__ import annotations

import numpy as np

from cellml.sim.analytic import box
from cellml.sim.part import part_of
from cellml.types import TetMesh


def test_a_facet_whose_corners_are_there_but_not_its_face_is_left_out():
    """Four tetrahedra around an edge: the two that touch in it only have all corners of a facet between the other two."""
    points = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], float)
    tets = np.array([[0, 1, 2, 3], [0, 1, 3, 4], [0, 1, 4, 5], [0, 1, 5, 2]])
    inverted = np.linalg.det(points[tets[:, 1:]] - points[tets[:, :1]]) < 0
    tets[inverted] = tets[inverted][:, [1, 0, 2, 3]]
    facets = np.array([[2, 3, 0], [3, 4, 0]])
    mesh = TetMesh(points, tets, np.ones(4, np.int32), {1: "a"}, facets, np.array([1, 2], np.int32), {1: "own", 2: "other"})
    part = part_of(mesh, np.array([True, False, True, False]))
    assert part.facets.tolist() == [[2, 3, 0]]
    assert len(part.points) == len(points)


def test_the_whole_is_the_mesh_itself_and_parts_share_their_volume():
    mesh = box((1.0, 1.0, 2.0), (2, 2, 4))
    upper = mesh.points[mesh.tets].mean(axis=1)[:, 2] > 1.0
    assert part_of(mesh, np.ones(len(mesh.tets), bool)) is mesh
    above, below = part_of(mesh, upper), part_of(mesh, ~upper)
    assert np.isclose(above.volumes().sum() + below.volumes().sum(), mesh.volumes().sum())
    assert len(above.facets) + len(below.facets) == len(mesh.facets)
