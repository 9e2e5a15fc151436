from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.meshops.chamfer import Cloud, chamfer_distance


def lattice(n, shift=0.0, dtype=torch.float64):
    steps = torch.arange(n, dtype=dtype)
    return torch.cartesian_prod(steps, steps, steps)[None] + shift


def cloud(seed, n, size=1):
    return torch.randn(size, n, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_loop(x, y):
    there = sum(min((p - q).square().sum() for q in y) for p in x) / len(x)
    back = sum(min((p - q).square().sum() for p in x) for q in y) / len(y)
    return there + back


@pytest.mark.parametrize("shift", [0.1, 0.25, 0.4])
def test_two_lattices_shifted_by_less_than_half_a_step(shift):
    x, y = lattice(6), lattice(6, shift)
    assert float(chamfer_distance(x, y).distance) == pytest.approx(2 * 3 * shift**2)
    assert float(chamfer_distance(x, y, squared=False).distance) == pytest.approx(2 * 3**0.5 * shift)
    assert float(chamfer_distance(x, y, norm=1).distance) == pytest.approx(2 * 3 * shift)
    assert float(chamfer_distance(x, y, one_way=True).distance) == pytest.approx(3 * shift**2)


def test_a_lattice_and_its_coarse_half():
    """Each even point is met; of the others, k odd coordinates are k away (squared): 2³ classes, mean 3/2 where n is even."""
    fine = lattice(8)
    coarse = fine[:, (fine[0] % 2 == 0).all(1)]
    inner = fine[:, (fine[0] < 7).all(1)]
    assert float(chamfer_distance(coarse, fine, one_way=True).distance) == 0
    odd = (inner[0] % 2).sum(1)
    assert float(chamfer_distance(inner, coarse, one_way=True).distance) == pytest.approx(float(odd.mean()))


@given(st.integers(0, 2**31), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_agrees_with_a_loop_and_is_a_symmetric_measure(seed, p, q):
    x, y = cloud(seed, p), cloud(seed + 1, q)
    value = chamfer_distance(x, y).distance
    assert float(value) == pytest.approx(float(by_loop(x[0], y[0])))
    assert float(chamfer_distance(y, x).distance) == pytest.approx(float(value))
    assert float(chamfer_distance(x, x).distance) == 0
    assert float(chamfer_distance(x + 5, y + 5).distance) == pytest.approx(float(value))
    assert float(chamfer_distance(3 * x, 3 * y).distance) == pytest.approx(9 * float(value))


@pytest.mark.parametrize("options", [{}, {"squared": False}, {"norm": 1}, {"one_way": True}])
def test_gradients_are_those_of_differences(options):
    x, y = cloud(0, 7).requires_grad_(), cloud(1, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: chamfer_distance(a, b, **options).distance, (x, y))


def test_gradients_of_normals():
    x, y, n, m = (cloud(seed, 6) for seed in range(4))
    f = lambda a, b: chamfer_distance(Cloud(x, normals=a), Cloud(y, normals=b)).normals  # noqa: E731
    assert torch.autograd.gradcheck(f, (n.requires_grad_(), m.requires_grad_()))


def test_lengths_of_coinciding_points_have_a_finite_gradient():
    x = cloud(0, 4).requires_grad_()
    chamfer_distance(x, x.detach(), squared=False).distance.backward()
    assert not x.grad.any()


def test_normals_that_agree_oppose_or_stand_across():
    x = lattice(2)
    up, across = torch.zeros(1, 8, 3, dtype=torch.float64), torch.zeros(1, 8, 3, dtype=torch.float64)
    up[..., 2], across[..., 0] = 2.0, 1.0  # of any length
    for other, unsigned, signed in ((up, 0, 0), (-up, 0, 4), (across, 2, 2)):
        pair = Cloud(x, normals=up), Cloud(x, normals=other)
        assert float(chamfer_distance(*pair).normals) == unsigned
        assert float(chamfer_distance(*pair, signed_normals=True).normals) == signed
    assert chamfer_distance(x, x).normals is None


def test_clouds_of_different_sizes_are_as_if_alone():
    x, y = cloud(0, 8, 3), cloud(1, 9, 3)
    counts = ([8, 3, 5], [2, 9, 4])
    together = chamfer_distance(Cloud(x, counts[0]), Cloud(y, counts[1]), per_element=True).distance
    alone = [chamfer_distance(x[n : n + 1, :p], y[n : n + 1, :q]).distance for n, (p, q) in enumerate(zip(*counts, strict=True))]
    assert torch.allclose(together, torch.stack(alone))
    weights = torch.tensor([1.0, 0.0, 3.0], dtype=torch.float64)
    mean = chamfer_distance(Cloud(x, counts[0]), Cloud(y, counts[1]), weights=weights).distance
    assert torch.allclose(mean, (alone[0] + 3 * alone[2]) / 4)


def test_weights_of_points_are_copies_of_points():
    x, y = cloud(0, 3), cloud(1, 5)
    copied = x[:, [0, 0, 0, 1, 2, 2]]
    weighted = chamfer_distance(Cloud(x, weights=torch.tensor([[3.0, 1, 2]], dtype=torch.float64)), y, one_way=True).distance
    assert torch.allclose(weighted, chamfer_distance(copied, y, one_way=True).distance)


def test_an_empty_cloud_counts_only_if_it_weighs_nothing():
    x, y = cloud(0, 4, 2), cloud(1, 4, 2)
    empty = Cloud(x, [4, 0])
    with pytest.raises(CellmlError, match=r"element 1 \(0 and 4 points\)"):
        chamfer_distance(empty, y)
    with pytest.raises(CellmlError, match="empty cloud"):
        chamfer_distance(x[:, :0], y)
    alone = chamfer_distance(x[:1], y[:1]).distance
    assert torch.allclose(chamfer_distance(empty, y, weights=torch.tensor([1.0, 0.0])).distance, alone)
    leaf = x.clone().requires_grad_()
    nothing = chamfer_distance(Cloud(leaf, [0, 0]), y, weights=torch.zeros(2)).distance
    nothing.backward()
    assert float(nothing.detach()) == 0 and not leaf.grad.any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": torch.tensor([-1.0])}, "1 numbers ≥ 0"),
        ({"weights": torch.ones(2)}, "Weights of a batch of 1"),
        ({"norm": 3}, "norm=3"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(CellmlError, match=words):
        chamfer_distance(cloud(0, 3), cloud(1, 3), **options)
    with pytest.raises(CellmlError, match=r"of shape \(1, 3\)"):
        chamfer_distance(Cloud(cloud(0, 3), weights=torch.ones(1, 2)), cloud(1, 3))
    with pytest.raises(CellmlError, match="not finite"):
        chamfer_distance(cloud(0, 3) * float("nan"), cloud(1, 3))


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks of memory are read from Linux' /proc")
def test_a_hundred_thousand_points_need_no_table_of_all_pairs():
    """All pairs would be 40 GB; the bound is 1 GB, forward and backward."""
    rng = torch.Generator().manual_seed(0)
    x, y = torch.rand(1, 100_000, 3, generator=rng, requires_grad=True), torch.rand(1, 100_000, 3, generator=rng)
    chamfer_distance(x[:, :10], y[:, :10])  # what is imported only once is not the point
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = memory("VmRSS")
    chamfer_distance(x, y).distance.backward()
    assert memory("VmHWM") - before < 0.3


def memory(field):
    """GB of this process."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(field)).split()[1]) / 2**20
