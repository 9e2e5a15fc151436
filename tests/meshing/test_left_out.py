from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.cut import CutMesh, volumes
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.left_out import Places, left_out
from cellml.meshing.refine import refine
from cellml.meshing.topology import edges_of, facet_pairs
from cellml.types import Labels


def _lattice(shape, size):
    points, tets = body_centred_cubic(np.zeros(3), np.array(size), np.ones(shape, bool))
    return CutMesh(points, tets, np.zeros(len(points)), np.zeros(len(points), np.int64), np.ones(len(tets), np.int32))


def test_a_spike_that_a_mesh_lacks_is_left_out():
    """A box of 6 × 4 × 4 voxels has a spike of three voxels on its side at z = 60 nm: its end is further than a voxel from the box."""
    data = np.zeros((9, 4, 4), np.uint8)
    data[:6] = 1
    data[6:, 2, 2] = 1
    labels = Labels(data, (10.0, 10.0, 10.0), origin=(5.0, 5.0, 5.0))
    found = left_out(_lattice((6, 4, 4), (60.0, 40.0, 40.0)), labels, 10.0)
    assert len(found) == 2 * 4 + 1  # the sides of the last two voxels, 15 and 25 nm away, and the end
    assert sorted(np.round(found[:, 2]).tolist()) == pytest.approx([75.0] * 4 + [85.0] * 4 + [90.0])
    assert len(left_out(_lattice((6, 4, 4), (60.0, 40.0, 40.0)), labels, 40.0)) == 0


def test_edges_are_too_long_near_the_points_only():
    places = Places(np.array([[0.0, 0.0, 0.0]]), 10.0, 5.0)
    middles, lengths = np.array([[9.0, 0, 0], [9.0, 0, 0], [11.0, 0, 0]]), np.array([6.0, 4.0, 6.0])
    assert places.too_long(middles, lengths).tolist() == [True, False, False]
    assert not Places(np.zeros((0, 3)), 10.0, 5.0).too_long(middles, lengths).any()


def test_a_tunnel_between_the_nodes_is_refined_in_its_place():
    """φ shows nothing at the nodes and middles of a coarse edge; around the place no edge stays long, and the mesh stays conforming."""
    mesh = _lattice((4, 4, 4), (80.0, 80.0, 80.0))
    place = np.array([[33.0, 41.0, 38.0]])
    flat = [lambda points: np.full(len(points), 1000.0)]
    assert refine(mesh, flat, tolerance=1.0, smallest=7.0, most=10**6) is mesh
    refined = refine(mesh, flat, tolerance=1.0, smallest=7.0, most=10**6, places=Places(place, 8.0, 6.0))
    edges, _ = edges_of(refined.tets)
    ends = refined.points[edges]
    near = np.linalg.norm(ends.mean(axis=1) - place, axis=1) <= 8.0
    assert near.any()
    assert np.linalg.norm(ends[near, 1] - ends[near, 0], axis=1).max() <= 6.0
    assert facet_pairs(refined.tets).shared.max() == 2
    assert volumes(refined.points, refined.tets).sum() == pytest.approx(80.0**3)
    assert np.median(volumes(refined.points, refined.tets)) < 0.2 * volumes(mesh.points, mesh.tets).max()
