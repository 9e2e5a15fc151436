from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.cut import volumes
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.quality import dihedral_angles
from cellml.meshing.topology import boundary_facets, facet_pairs, surface_topology

LOW, HIGH = np.array([0.0, 10.0, -3.0]), np.array([30.0, 50.0, 47.0])


def test_lattice_fills_its_box_conformingly():
    points, tets = body_centred_cubic(LOW, HIGH, np.ones((3, 4, 5), bool))
    assert volumes(points, tets).sum() == pytest.approx(30 * 40 * 50)
    assert volumes(points, tets).min() > 0
    assert facet_pairs(tets).shared.max() == 2
    topology = surface_topology(boundary_facets(tets))
    assert topology.manifold
    assert topology.oriented
    assert topology.euler == 2
    assert dihedral_angles(points, tets).min() == pytest.approx(45.0)


def test_walls_are_exactly_flat():
    points, tets = body_centred_cubic(LOW, HIGH, np.ones((3, 4, 5), bool))
    wall = points[np.unique(boundary_facets(tets))]
    on_wall = ((wall == LOW[::-1]) | (wall == HIGH[::-1])).any(axis=1)
    assert on_wall.all()


def test_only_kept_cubes_take_part():
    keep = np.zeros((3, 4, 5), bool)
    keep[1, 1:3, 1:3] = True
    points, tets = body_centred_cubic(LOW, HIGH, keep)
    assert len(tets) == 4 * 4  # four inner faces with four tetrahedra each
    assert facet_pairs(tets).shared.max() == 2
    assert points.min(axis=0).tolist() >= (LOW + 10)[::-1].tolist()
