from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.meshops.neighbours import block_search, nearest_neighbours, tree_search


def by_loop(points, among, k, norm):
    """Distances only: where two are equal, either neighbour may be named."""
    rows = []
    for p in points:
        differences = [(p - q).abs().sum() if norm == 1 else (p - q).square().sum() for q in among]
        rows.append(torch.stack(sorted(differences)[:k]))
    return torch.stack(rows)


def clouds(seed, *sizes, scale=1.0):
    rng = torch.Generator().manual_seed(seed)
    return [scale * torch.randn(1, n, 3, generator=rng, dtype=torch.float64) for n in sizes]


@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 12), st.integers(1, 4), st.sampled_from([1, 2]))
@settings(max_examples=40, deadline=None)
def test_agrees_with_a_loop(seed, p, q, k, norm):
    x, y = clouds(seed, p, q)
    found = nearest_neighbours(x, y, k, norm=norm)
    known = min(k, q)
    assert torch.allclose(found.distance[0, :, :known], by_loop(x[0], y[0], known, norm))
    assert not found.distance[..., known:].any() and not found.index[..., known:].any()
    assert (found.distance[0, :, :known].diff(dim=1) >= 0).all()


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("block", [1, 50, 10**6])
def test_trees_and_blocks_find_the_same(norm, block):
    x, y = clouds(3, 60, 45)
    assert torch.equal(tree_search(x[0], y[0], 5, norm), block_search(x[0], y[0], 5, norm, block))


def test_features_of_many_dimensions_are_compared_by_blocks():
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(1, 20, 32, generator=rng), torch.randn(1, 30, 32, generator=rng)
    assert torch.equal(nearest_neighbours(x, y, 3).index[0], tree_search(x[0], y[0], 3))


def test_no_block_is_larger_than_it_may_be(monkeypatch):
    sizes = []
    cdist = torch.cdist
    monkeypatch.setattr(torch, "cdist", lambda a, b, **more: (sizes.append(len(a) * len(b)), cdist(a, b, **more))[1])
    x, y = clouds(4, 100, 80)
    block_search(x[0], y[0], 1, block=1000)
    assert max(sizes) <= 1000 and sum(sizes) == 8000


def test_padded_clouds_of_different_sizes():
    x, y = (torch.cat(pair) for pair in zip(clouds(5, 9, 8), clouds(6, 9, 8), strict=True))
    found = nearest_neighbours(x, y, 3, point_counts=[9, 4], among_counts=[2, 0])
    assert torch.allclose(found.distance[0, :, :2], by_loop(x[0], y[0, :2], 2, 2))
    assert not found.distance[0, :, 2].any() and not found.distance[1].any() and not found.index[1].any()
    alone = nearest_neighbours(x[1:, :4], y[1:], 3)
    assert torch.equal(nearest_neighbours(x, y, 3, point_counts=[9, 4]).distance[1, :4], alone.distance[0])


def test_empty_clouds_have_no_neighbours():
    x, y = clouds(7, 5, 4)
    for points, among in ((x[:, :0], y), (x, y[:, :0]), (x[:, :0], y[:, :0])):
        assert not nearest_neighbours(points, among, 2).distance.any()


def test_gradients_of_distances():
    x, y = (c.requires_grad_() for c in clouds(8, 6, 7))
    assert torch.autograd.gradcheck(lambda a, b: nearest_neighbours(a, b, 2).distance, (x, y))
    assert torch.autograd.gradcheck(lambda a, b: nearest_neighbours(a, b, 2, norm=1).distance, (x, y))


def test_single_precision_at_ten_thousand_nanometres():
    """Points 5 nm apart at 10⁴ nm: |x|² + |y|² − 2xy would be off by tens of nm²."""
    x, y = clouds(9, 200, 200, scale=5.0)
    far_x, far_y = (x + 1e4).float(), (y + 1e4).float()
    exact = nearest_neighbours(far_x.double(), far_y.double())
    for index in (nearest_neighbours(far_x, far_y).index, block_search(far_x[0], far_y[0], 1)[None]):
        chosen = (far_x - far_y[0, index[0, :, 0]]).square().sum(-1)
        assert torch.allclose(chosen.double(), exact.distance[..., 0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((torch.zeros(1, 3, 3), torch.zeros(2, 3, 3)), r"\(N, P, D\) and \(N, Q, D\)"),
        ((torch.zeros(1, 3, 3), torch.zeros(1, 3, 2)), r"\(1, 3, 3\) and \(1, 3, 2\)"),
        ((torch.zeros(1, 3, 3), torch.zeros(1, 3, 3), 0), "k=0"),
        ((torch.tensor([[[0.0, float("nan"), 0], [0, 0, 0]]]), torch.zeros(1, 3, 3)), "1 of 2 points of the first cloud"),
        ((torch.zeros(1, 3, 3), torch.full((1, 3, 3), float("inf"))), "3 of 3 points of the second cloud"),
    ],
)
def test_bad_clouds_are_refused(arguments, words):
    with pytest.raises(CellmlError, match=words):
        nearest_neighbours(*arguments)


@pytest.mark.parametrize("counts", [[4], [-1], [1, 1]])
def test_counts_that_do_not_fit_are_refused(counts):
    with pytest.raises(CellmlError, match="cannot have"):
        nearest_neighbours(torch.zeros(1, 3, 3), torch.zeros(1, 3, 3), point_counts=counts)
    with pytest.raises(CellmlError, match="norm=3"):
        nearest_neighbours(torch.zeros(1, 3, 3), torch.zeros(1, 3, 3), norm=3)
