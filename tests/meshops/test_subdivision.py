from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.meshops.batch import mesh_batch
from cellml.meshops.geometry import face_normals, surface_areas, volumes
from cellml.meshops.subdivision import Subdivision, subdivide
from cellml.meshops.unpooling import LearnedUnpooling


def test_counts_areas_and_volumes(mixed):
    fine = subdivide(mixed)
    assert fine.topology.vertex_counts == (42 + 120, 0, 4 + 6) and fine.topology.face_counts == (320, 0, 16)
    assert torch.allclose(surface_areas(fine), surface_areas(mixed)) and torch.allclose(volumes(fine), volumes(mixed))
    assert not fine.topology.border_edges.any()


def test_faces_stay_in_the_plane_of_their_parents(mixed):
    fine = subdivide(mixed)
    for mesh in (0, 2):
        parents = face_normals(mixed)[mixed.topology.face_slices()[mesh]]
        assert torch.allclose(face_normals(fine)[fine.topology.face_slices()[mesh]], parents.repeat(4, 1))


def test_meshes_of_a_batch_are_as_if_alone(mixed):
    fine = subdivide(mixed)
    for vertices, faces, v, f in zip(mixed.vertex_list(), mixed.face_list(), fine.vertex_list(), fine.face_list(), strict=True):
        alone = subdivide(mesh_batch([vertices], [faces]))
        assert torch.equal(alone.vertices, v) and torch.equal(alone.faces, f)


def test_new_vertices_stand_on_the_middle_of_edges(mixed):
    step = Subdivision(mixed.topology)
    ends = mixed.vertices[mixed.edges]
    assert torch.equal(step.midpoints(mixed.vertices), (ends[:, 0] + ends[:, 1]) / 2)
    features = torch.randn(46, 7, generator=torch.Generator().manual_seed(0))
    fine = step.interpolated(features)
    assert torch.equal(fine[:42], features[:42]) and torch.equal(fine[162:166], features[42:])
    assert torch.equal(fine[166:], (features[mixed.edges[120:, 0]] + features[mixed.edges[120:, 1]]) / 2)


def test_gradient_of_a_new_vertex_goes_to_both_ends(tetrahedron):
    vertices = tetrahedron[0].clone().requires_grad_()
    batch = mesh_batch([vertices], [tetrahedron[1]])
    subdivide(batch).vertices[4].sum().backward()
    assert vertices.grad[batch.edges[0]].flatten().tolist() == [0.5] * 6 and float(vertices.grad.sum()) == 3


def test_nothing_is_divided_into_nothing(no_mesh):
    fine = subdivide(mesh_batch([no_mesh[0]] * 2, [no_mesh[1]] * 2))
    assert fine.topology.vertex_counts == fine.topology.face_counts == (0, 0)


class TestLearnedUnpooling:
    @pytest.fixture
    def features(self):
        return torch.randn(46, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    @pytest.fixture
    def trained(self):
        torch.manual_seed(0)
        layer = LearnedUnpooling(6, hidden=8, reach=0.25).double()
        for weight in layer.parameters():
            torch.nn.init.normal_(weight)
        return layer

    def test_starts_as_plain_averaging(self, mixed, features):
        fine, values = LearnedUnpooling(6).double()(mixed, features)
        assert torch.allclose(fine.vertices, subdivide(mixed).vertices)
        assert torch.allclose(values, Subdivision(mixed.topology).interpolated(features))

    def test_new_vertices_stay_within_reach_and_old_ones_where_they_are(self, mixed, features, trained):
        step = Subdivision(mixed.topology)
        fine, _ = trained(mixed, features, step)
        moved = (fine.vertices - subdivide(mixed).vertices).detach().norm(dim=1)
        old = step.order < 46
        ends = mixed.vertices[mixed.edges]
        lengths = (ends[:, 0] - ends[:, 1]).norm(dim=1)
        assert not moved[old].any()
        assert (moved[~old] < 0.25 * lengths).all() and float((moved[~old] / lengths).max()) > 0.05

    def test_it_does_not_matter_which_end_comes_first(self, mixed, features, trained):
        order = torch.arange(46)
        order[:42] = torch.arange(41, -1, -1)
        place = order.argsort()
        turned = mesh_batch([mixed.vertices[:42].flip(0), *mixed.vertex_list()[1:]], [place[mixed.face_list()[0]], *mixed.face_list()[1:]])
        one, two = trained(mixed, features), trained(turned, features[order])
        for a, b in ((one[0].vertices, two[0].vertices), (one[1], two[1])):
            gaps = (a[:, None] - b[None]).detach().abs().amax(-1)
            assert float(gaps.min(0).values.max()) < 1e-12 and float(gaps.min(1).values.max()) < 1e-12

    def test_gradients_reach_features_vertices_and_weights(self, mixed, features, trained):
        leaf, vertices = features.requires_grad_(), mixed.vertices.clone().requires_grad_()
        fine, values = trained(mixed.with_vertices(vertices), leaf)
        (fine.vertices.square().sum() + values.square().sum()).backward()
        assert all(p.grad is not None and p.grad.any() for p in (leaf, vertices, *trained.parameters()))

    def test_too_far_a_reach_is_refused(self):
        with pytest.raises(CellmlError, match=r"between 0 and 0\.5"):
            LearnedUnpooling(4, reach=0.8)
