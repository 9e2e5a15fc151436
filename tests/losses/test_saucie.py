"""SAUCIE's regularisers against closed forms and slow twins."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.losses.saucie import BatchDiscrepancy, Hidden, InformationDimension, IntraclusterDistance


def test_one_used_neuron_has_dimension_0_and_equal_ones_have_ln_of_their_number() -> None:
    one = torch.zeros(5, 8)
    one[:, 3] = torch.rand(5) + 0.1
    assert InformationDimension()(Hidden(one)) == pytest.approx(0, abs=1e-6)
    assert InformationDimension()(Hidden(torch.ones(5, 8))) == pytest.approx(math.log(8), rel=1e-6)


def test_dimension_of_a_tanh_layer_counts_from_minus_one() -> None:
    a = torch.tanh(torch.randn(6, 4))
    share = ((a + 1) / 2).sum(dim=0)
    share = share / share.sum()
    assert InformationDimension(lowest=-1.0)(Hidden(a)) == pytest.approx(-float((share * share.log()).sum()), rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 1000))
def test_dimension_lies_between_0_and_ln_h_and_takes_no_unit(width: int, seed: int) -> None:
    a = torch.randn(7, width, generator=torch.Generator().manual_seed(seed))
    found = InformationDimension(lowest=None)(Hidden(a))
    assert -1e-6 <= float(found) <= math.log(width) + 1e-6
    assert torch.isclose(found, InformationDimension(lowest=None)(Hidden(17 * a)), atol=1e-5)


def test_intracluster_distance_is_the_sum_over_pairs_of_one_code() -> None:
    torch.manual_seed(0)
    a, x = torch.relu(torch.randn(12, 3)), torch.randn(12, 2, 2, requires_grad=True)
    loss = IntraclusterDistance()
    total = torch.zeros(())
    for i in range(12):
        for j in range(12):
            if torch.equal(a[i] > 0, a[j] > 0):
                total = total + (x[i] - x[j]).square().sum()
    found = loss(Hidden(a, x))
    assert torch.isclose(found, total / 144, rtol=1e-5) and len(torch.unique(loss.clusters(a))) > 2
    (mine,), (twin,) = torch.autograd.grad(found, x), torch.autograd.grad(total / 144, x)
    assert torch.allclose(mine, twin, atol=1e-6)


def test_each_row_its_own_cluster_costs_nothing() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert IntraclusterDistance()(Hidden(a, torch.randn(3, 5))) == 0
    assert IntraclusterDistance()(Hidden(torch.ones(4, 2), torch.ones(4, 5))) == 0


def test_discrepancy_of_two_points_is_the_closed_form() -> None:
    """All x at 0, all y at distance r: MMD² = 2 − 2 exp(−r²/(2 s m)) with m = r²/2, for any r."""
    for r in (0.1, 10.0):
        a = torch.cat([torch.zeros(6, 3), torch.full((6, 3), r / math.sqrt(3))])
        found = BatchDiscrepancy((2.0,))(Hidden(a, batches=torch.tensor([0] * 6 + [1] * 6)))
        assert found == pytest.approx(2 - 2 * math.exp(-1 / 2.0), rel=1e-4)


def test_discrepancy_is_the_slow_sum_over_batches() -> None:
    torch.manual_seed(0)
    a, batches = torch.randn(30, 4), torch.tensor([0] * 12 + [5] * 9 + [7] * 8 + [9])  # the last batch has a single row
    scales = (0.5, 2.0)

    def mean_kernel(x: torch.Tensor, y: torch.Tensor, unit: float) -> float:
        pairs = [float((p - q).square().sum()) for p in x for q in y]
        return sum(math.exp(-d / (2 * s * unit)) for d in pairs for s in scales) / (len(pairs) * len(scales))

    total = 0.0
    for name in (5, 7):
        x, y = a[batches == 0], a[batches == name]
        squares = [float((p - q).square().sum()) for u, v in ((x, x), (x, y), (y, x), (y, y)) for p in u for q in v]
        unit = sum(squares) / len(squares)
        total += mean_kernel(x, x, unit) - 2 * mean_kernel(x, y, unit) + mean_kernel(y, y, unit)
    assert BatchDiscrepancy(scales)(Hidden(a, batches=batches)) == pytest.approx(total, rel=1e-4)


def test_equal_batches_have_no_discrepancy_and_others_pull_together() -> None:
    x = torch.randn(8, 3)
    batches = torch.tensor([0] * 8 + [1] * 8)
    assert BatchDiscrepancy()(Hidden(torch.cat([x, x]), batches=batches)) == pytest.approx(0, abs=1e-6)
    shift = torch.ones(3, requires_grad=True)
    (slope,) = torch.autograd.grad(BatchDiscrepancy()(Hidden(torch.cat([x, x + shift]), batches=batches)), shift)
    assert (slope > 0).all()


def test_a_batch_that_cannot_be_compared_costs_nothing_and_keeps_the_gradient() -> None:
    a = torch.randn(4, 3, requires_grad=True)
    loss = BatchDiscrepancy(reference=3)(Hidden(a, batches=torch.tensor([0, 0, 1, 1])))
    loss.backward()
    assert loss == 0 and (a.grad == 0).all()


def test_missing_batches_and_bad_scales_are_refused() -> None:
    with pytest.raises(CellmlError, match="to which batch rows belong"):
        BatchDiscrepancy()(Hidden(torch.randn(4, 3)))
    with pytest.raises(CellmlError, match="Scales of a kernel"):
        BatchDiscrepancy((1.0, 0.0))
