from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.quality_certificate import TetShapes, facet_quality

REGULAR = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])


def test_a_regular_tetrahedron():
    quality = TetShapes(REGULAR, np.array([[0, 1, 2, 3]])).of()
    assert (quality.dihedral_min_deg, quality.dihedral_max_deg) == pytest.approx([np.degrees(np.arccos(1 / 3))] * 2)
    assert (quality.radius_ratio_min, quality.tets) == (pytest.approx(1.0), 1)
    assert (quality.edge_min_nm, quality.edge_max_nm) == pytest.approx((8**0.5, 8**0.5))
    assert sum(quality.edge.counts) == 6


def test_a_part_is_what_a_mesh_of_that_part_would_be():
    points, tets = body_centred_cubic(np.zeros(3), np.array([30.0, 30, 40]), np.ones((3, 3, 4), bool))
    points = points + np.random.default_rng(0).normal(size=points.shape)
    part = points[tets].mean(axis=1)[:, 0] < 20
    assert TetShapes(points, tets).of(part) == TetShapes(points, tets[part]).of()


def test_shares_count_tetrahedra_and_angles():
    flat = np.concatenate([REGULAR, [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [0.34, 0.34, -0.3]]])
    shapes = TetShapes(flat, np.array([[0, 1, 2, 3], [4, 5, 6, 7]]))
    assert shapes.of().share_below_10_deg == 0.5
    assert shapes.below(10.0) == 1
    triangles = facet_quality(np.array([[0.0, 0, 0], [1, 0, 0], [0.5, 0.1, 0]]), np.array([[0, 1, 2]]))
    assert triangles.share_outside_range == 1.0
    assert triangles.area_nm2 == pytest.approx(0.05)
    assert triangles.angle_max_deg == pytest.approx(180 - 2 * np.degrees(np.arctan(0.2)))
