from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from cellml.meshing.topology import (
    boundary_facets,
    edges_of,
    facet_components,
    facet_pairs,
    region_components,
    surface_topology,
    voxel_euler_number,
)

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])


def test_boundary_of_one_tetrahedron_is_a_sphere():
    topology = surface_topology(boundary_facets(np.array([[0, 1, 2, 3]])))
    assert (topology.closed, topology.manifold, topology.oriented, topology.euler, topology.components) == (True, True, True, 2, 1)


def test_facet_between_two_tetrahedra_belongs_to_both():
    pairs = facet_pairs(np.array([[0, 1, 2, 3], [1, 2, 3, 4]]))
    assert sorted(pairs.facets[pairs.second >= 0][0]) == [1, 2, 3]
    assert len(pairs.facets) == 7
    assert facet_components(np.array([[0, 1, 2, 3], [1, 2, 3, 4], [4, 5, 6, 7]]))[0] == 2


def test_components_of_regions():
    tets = np.array([[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [5, 6, 7, 8]])
    assert region_components(facet_pairs(tets), np.array([1, 2, 1, 2])) == {1: 2, 2: 2}
    assert region_components(facet_pairs(tets), np.array([1, 1, 1, 2])) == {1: 1, 2: 1}


def test_edges_of_a_tetrahedron():
    edges, edge_of = edges_of(np.array([[5, 3, 2, 9]]))
    assert sorted(edges.tolist()) == [[2, 3], [2, 5], [2, 9], [3, 5], [3, 9], [5, 9]]
    assert edges[edge_of[0, 0]].tolist() == [3, 5]


def test_open_surface_is_not_closed():
    topology = surface_topology(TETRAHEDRON[1:])
    assert not topology.closed
    assert not topology.manifold


def test_flipped_face_is_not_oriented():
    flipped = TETRAHEDRON.copy()
    flipped[0] = flipped[0, ::-1]
    topology = surface_topology(flipped)
    assert topology.closed
    assert not topology.oriented


def test_two_tetrahedra_that_touch_in_a_vertex_are_not_manifold_there():
    other = np.where(TETRAHEDRON == 0, 0, TETRAHEDRON + 3)
    topology = surface_topology(np.concatenate([TETRAHEDRON, other]))
    assert topology.closed
    assert topology.defects.tolist() == [0]
    assert topology.components == 2


def test_two_tetrahedra_that_touch_in_an_edge_are_not_manifold_there():
    other = np.where(TETRAHEDRON <= 1, TETRAHEDRON, TETRAHEDRON + 2)
    topology = surface_topology(np.concatenate([TETRAHEDRON, other]))
    assert topology.closed
    assert set(topology.defects.tolist()) == {0, 1}


def _hollow():
    mask = np.ones((5, 5, 5), bool)
    mask[2, 2, 2] = False
    return mask


def _ring():
    mask = np.ones((1, 3, 3), bool)
    mask[0, 1, 1] = False
    return mask


@pytest.mark.parametrize(("mask", "euler"), [(np.ones((2, 3, 4), bool), 2), (_hollow(), 4), (_ring(), 0)], ids=["block", "hollow", "ring"])
def test_voxel_euler_numbers_of_known_shapes(mask, euler):
    assert voxel_euler_number(mask) == euler


@settings(max_examples=50, deadline=None)
@given(arrays(bool, (4, 5, 3)))
def test_voxel_euler_number_agrees_with_scikit_image(mask):
    from skimage.measure import euler_number

    assert voxel_euler_number(mask) == 2 * euler_number(mask, connectivity=1)
