from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.meshops.graph_convolution import GraphConvolution, neighbour_sums


def test_sums_agree_with_a_loop(mixed):
    features = torch.randn(46, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    both, first = torch.zeros_like(features), torch.zeros_like(features)
    for i, j in mixed.edges.tolist():
        first[i] += features[j]
        both[i] += features[j]
        both[j] += features[i]
    assert torch.allclose(neighbour_sums(features, mixed.edges), both)
    assert torch.allclose(neighbour_sums(features, mixed.edges, directed=True), first)


def test_gradients_are_those_of_differences(mixed):
    layer = GraphConvolution(3, 2).double()
    features = torch.randn(46, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda f: layer(f, mixed.edges), (features,), fast_mode=True)


def test_numbering_of_vertices_does_not_matter(mixed):
    layer = GraphConvolution(4, 4).double()
    features = torch.randn(46, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    order = torch.randperm(46, generator=torch.Generator().manual_seed(1))
    place = order.argsort()
    assert torch.allclose(layer(features[order], place[mixed.edges]), layer(features, mixed.edges)[order])


def test_meshes_of_a_batch_do_not_see_each_other(mixed):
    layer = GraphConvolution(3, 3).double()
    changed = mixed.vertices.clone()
    changed[42:] += 1
    out = layer(changed, mixed.edges) - layer(mixed.vertices, mixed.edges)
    assert not out[:42].any() and out[42:].any()


def test_variance_is_kept_at_the_start(sphere):
    torch.manual_seed(0)
    from cellml.meshops.batch import mesh_batch

    vertices, faces = sphere(3, dtype=torch.float32)
    edges = mesh_batch([vertices], [faces]).edges
    features = torch.randn(len(vertices), 256)
    assert float(GraphConvolution(256, 256)(features, edges).var().detach()) == pytest.approx(1, rel=0.15)


def test_nothing_goes_in_and_nothing_comes_out():
    assert GraphConvolution(3, 7)(torch.zeros(0, 3), torch.zeros(0, 2, dtype=torch.int64)).shape == (0, 7)


def test_features_of_another_width_are_refused(mixed):
    with pytest.raises(CellmlError, match=r"takes \(V, 3\) features, got \(46, 4\)"):
        GraphConvolution(3, 5)(torch.zeros(46, 4), mixed.edges)
