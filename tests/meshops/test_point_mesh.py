from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.meshops.batch import mesh_batch
from cellml.meshops.closest import squared_distance
from cellml.meshops.point_mesh import distance_to_points, distance_to_simplices, point_edge_loss, point_face_loss
from cellml.meshops.simplex_search import nearest_point, nearest_point_by_blocks, nearest_simplex, nearest_simplex_by_blocks


def randoms(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 20), st.sampled_from([2, 3]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_trees_and_blocks_find_equally_near(seed, p, t, corners, flat):
    points, simplices = randoms(seed, p, 3), randoms(seed + 1, t, corners, 3)
    if flat:  # some without area, some without length
        simplices[::2, -1] = simplices[::2, 0]
        simplices[::4] = simplices[::4, :1]
    for search, blocks in (
        (nearest_simplex, nearest_simplex_by_blocks),
        (lambda a, b: nearest_point(b, a), lambda a, b: nearest_point_by_blocks(b, a)),
    ):
        one, two = search(points, simplices), blocks(points, simplices)
        values = [
            squared_distance(points, simplices[i]) if len(i) == p and search is nearest_simplex else squared_distance(points[i], simplices)
            for i in (one, two)
        ]
        assert torch.allclose(*values, atol=1e-12)


@pytest.mark.parametrize("block", [1, 7, 64, 10**5])
def test_blocks_of_any_size_find_the_same(block):
    points, triangles = randoms(0, 23, 3), randoms(1, 17, 3, 3)
    assert torch.equal(nearest_simplex_by_blocks(points, triangles, block), nearest_simplex_by_blocks(points, triangles))
    assert torch.equal(nearest_point_by_blocks(triangles, points, block), nearest_point_by_blocks(triangles, points))


def test_distance_to_a_sphere_is_that_to_its_surface(sphere):
    vertices, faces = sphere(4, radius=100.0)
    directions = randoms(0, 50, 3)
    points = 130 * directions / directions.norm(dim=1, keepdim=True)
    distance = distance_to_simplices(points, vertices[faces]).sqrt()
    assert torch.allclose(distance, torch.full_like(distance, 30.0), atol=0.25)
    back = distance_to_points(vertices[faces], torch.zeros(1, 3, dtype=torch.float64)).sqrt()
    assert torch.allclose(back, torch.full_like(back, 100.0), atol=0.25)


def loss_by_loop(batch, clouds, rows):
    total = 0.0
    for vertices, own, cloud in zip(batch.vertex_list(), rows, clouds, strict=True):
        if len(cloud):
            table = torch.stack([squared_distance(cloud, vertices[row].expand(len(cloud), -1, -1)) for row in own])
            total = total + table.amin(0).mean() + table.amin(1).mean()
    return total / len(batch)


def test_losses_agree_with_loops_and_have_the_gradients_of_differences(mixed):
    clouds = [randoms(0, 30, 3), randoms(1, 0, 3), 2 * randoms(2, 11, 3)]
    edges = [
        edge - part.start
        for edge, part in zip(mixed.edges.split(list(mixed.topology.edge_counts)), mixed.topology.vertex_slices(), strict=True)
    ]
    assert torch.allclose(point_face_loss(mixed, clouds), loss_by_loop(mixed, clouds, mixed.face_list()))
    assert torch.allclose(point_edge_loss(mixed, clouds), loss_by_loop(mixed, clouds, edges))
    leaf, cloud = mixed.vertices.clone().requires_grad_(), clouds[0].requires_grad_()
    for loss in (point_face_loss, point_edge_loss):
        assert torch.autograd.gradcheck(
            lambda v, c, loss=loss: loss(mixed.with_vertices(v), [c, *clouds[1:]]), (leaf, cloud), fast_mode=True
        )


def test_points_on_the_mesh_leave_only_the_faces_between_them(tetrahedron):
    batch = mesh_batch([tetrahedron[0]], [tetrahedron[1]])
    middles = batch.corners().mean(1)
    assert float(point_face_loss(batch, [middles])) == pytest.approx(0, abs=1e-20)
    one = middles[:1]  # on one face, at the height 8/3 of the others' nearest sides
    other = float(squared_distance(one, batch.corners()[1:2]))
    assert float(point_face_loss(batch, [one])) == pytest.approx(3 * other / 4)


def test_single_precision_at_ten_thousand_nanometres(sphere):
    vertices, faces = sphere(2, radius=100.0)
    cloud = 120 * randoms(0, 40, 3) / 1.7
    far = mesh_batch([(vertices + 1e4).float()], [faces])
    single = point_face_loss(far, [(cloud + 1e4).float()])
    assert float(single) == pytest.approx(float(point_face_loss(far.to(torch.float64), [(cloud + 1e4).float().double()])), rel=1e-5)


def test_what_has_no_distance_is_refused(mixed):
    some, none = randoms(0, 3, 3), randoms(0, 0, 3)
    with pytest.raises(CellmlError, match="2 clouds were given for 3 meshes"):
        point_face_loss(mixed, [some, none])
    with pytest.raises(CellmlError, match=r"mesh 1 \(0 faces or edges\) and its cloud \(3 points\)"):
        point_face_loss(mixed, [some, some, some])
    with pytest.raises(CellmlError, match=r"mesh 2 .* \(0 points\)"):
        point_edge_loss(mixed, [some, none, none])
    with pytest.raises(CellmlError, match="Cloud 0 must be finite"):
        point_face_loss(mixed, [some * float("inf"), none, some])
    with pytest.raises(CellmlError, match="46 of 46 vertices"):
        point_face_loss(mixed.with_vertices(mixed.vertices * float("nan")), [some, none, some])
