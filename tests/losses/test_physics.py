import math

import pytest
import torch

from cellml.errors import CellmlError
from cellml.losses.physics import PhysicsLoss

TWO = {"a": None, "b": None}


def of(*values, leaf=False):
    return torch.tensor(values, dtype=torch.float64, requires_grad=leaf)


def test_it_is_the_square_of_small_logarithms_and_linear_in_large_ones():
    loss = PhysicsLoss(TWO, weight=2.0, robust=0.3)
    small = loss(of(1.01, 0.99), of(1.0, 1.0))
    assert float(small) == pytest.approx(math.log(1.01) ** 2 + math.log(0.99) ** 2, rel=1e-3)
    far, farther = (float(loss(of(math.exp(r), 1.0), of(1.0, 1.0))) for r in (30.0, 31.0))
    assert farther - far == pytest.approx(2 * 0.3, rel=1e-2)  # w/2 · 2 s
    assert loss(of(2.0, 3.0), of(2.0, 3.0)) == 0
    assert float(loss(of(3.0, 1.0), of(1.0, 1.0))) == pytest.approx(float(loss(of(1.0, 1.0), of(3.0, 1.0))))  # ratios, either way


def test_answers_that_could_not_be_had_teach_nothing_and_are_counted():
    loss = PhysicsLoss(TWO)
    predicted = of(math.nan, 2.0, leaf=True)
    loss(predicted, of(1.0, 1.0)).backward()
    assert predicted.grad[0] == 0 and predicted.grad[1] > 0
    assert loss.left_out == 0.5
    nothing = loss(of(math.nan, -1.0), of(1.0, 1.0))
    assert nothing == 0 and nothing.dtype == torch.float32
    assert loss(of(1.0, 1.0), of(math.nan, 0.0)) == 0
    assert loss.left_out == pytest.approx(5 / 6)


def test_what_cannot_be_a_loss_is_refused():
    for wrong in (
        {"observables": {}},
        {"observables": TWO, "weight": -1.0},
        {"observables": TWO, "robust": 0.0},
        {"observables": TWO, "robust": math.nan},
    ):
        with pytest.raises(CellmlError, match="physics loss"):
            PhysicsLoss(**wrong)


def test_answers_of_other_observables_are_refused():
    """Two answers against one would be compared two to one, in silence."""
    loss = PhysicsLoss({"a": None})
    with pytest.raises(CellmlError, match="in the same order"):
        loss(of(1.0), of(1.0, 2.0))
