"""Adversarial losses against closed forms: a linear critic has a constant slope, and scores are sums that a hand can take."""

from __future__ import annotations

import math

import pytest
import torch

from cellml.errors import CellmlError
from cellml.losses.adversarial import HingeLoss, NonSaturatingLoss, WassersteinLoss, gradient_penalty


def linear(slope: float) -> torch.nn.Module:
    """D(x) = slope · x₀₀₀: its gradient has the norm |slope| everywhere."""
    layer = torch.nn.Conv3d(1, 1, 1, bias=False)
    torch.nn.init.constant_(layer.weight, slope)
    return layer


@pytest.mark.parametrize("slope", [0.0, 1.0, -3.0])
def test_the_penalty_of_a_linear_critic_is_its_slope_minus_one_squared(slope: float) -> None:
    real, fake = torch.randn(4, 1, 1, 1, 1), torch.randn(4, 1, 1, 1, 1)
    assert gradient_penalty(linear(slope), real, fake).item() == pytest.approx((abs(slope) - 1) ** 2, abs=1e-5)


def test_the_penalty_is_of_the_patches_mean() -> None:
    """The mean of n scores of slope s each has a gradient of norm s / √n."""
    real, fake = torch.randn(3, 1, 2, 4, 2), torch.randn(3, 1, 2, 4, 2)
    assert gradient_penalty(linear(2.0), real, fake).item() == pytest.approx((2 / math.sqrt(16) - 1) ** 2, abs=1e-5)


def test_the_penalty_drives_the_slope_to_one() -> None:
    critic = linear(5.0)
    optimizer = torch.optim.SGD(critic.parameters(), lr=0.2)
    for _ in range(40):
        optimizer.zero_grad()
        gradient_penalty(critic, torch.zeros(1, 1, 1, 1, 1), torch.ones(1, 1, 1, 1, 1)).backward()
        optimizer.step()
    assert next(critic.parameters()).item() == pytest.approx(1.0, abs=1e-3)


def test_wasserstein_and_hinge_by_hand() -> None:
    real, fake = torch.tensor([3.0, 0.5]).reshape(2, 1, 1, 1, 1), torch.tensor([-2.0, 0.0]).reshape(2, 1, 1, 1, 1)
    plain = WassersteinLoss(penalty=0.0, drift=0.0).critic(linear(1.0), real, fake)
    assert plain.total.item() == pytest.approx(-1.75 - 1.0) and plain.parts["distance"].item() == pytest.approx(2.75)
    assert WassersteinLoss(penalty=0.0, drift=2.0).critic(linear(1.0), real, fake).total.item() == pytest.approx(-2.75 + 2 * (9 + 0.25) / 2)
    assert WassersteinLoss(penalty=10.0, drift=0.0).critic(linear(3.0), real, fake).total.item() == pytest.approx(-3 * 2.75 + 10 * 4)
    assert HingeLoss().critic(linear(1.0), real, fake).total.item() == pytest.approx((0 + 0.5) / 2 + (0 + 1) / 2)
    for loss in (WassersteinLoss(), HingeLoss()):
        assert loss.generator(linear(1.0), fake).item() == pytest.approx(1.0)


def test_the_critics_optimum_measures_the_distance_of_two_points() -> None:
    """Two point masses a distance d apart: the Wasserstein distance is d, for a critic of slope 1."""
    critic, loss = linear(0.1), WassersteinLoss(penalty=100.0, drift=0.0)
    real, fake = torch.full((1, 1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1, 1), -0.5)
    optimizer = torch.optim.SGD(critic.parameters(), lr=1e-3)
    for _ in range(200):
        optimizer.zero_grad()
        record = loss.critic(critic, real, fake)
        record.total.backward()
        optimizer.step()
    assert record.parts["distance"].item() == pytest.approx(2.5, rel=0.03)


def test_negative_weights_are_refused() -> None:
    with pytest.raises(CellmlError, match="penalty=-1"):
        WassersteinLoss(penalty=-1)


def test_the_first_gans_loss_by_hand() -> None:
    """log 2 for each half at scores of 0; smoothed labels are asked for by their cross-entropy."""
    flat = linear(0.0)
    image = torch.ones(2, 1, 1, 1, 1)
    assert NonSaturatingLoss(0.0).critic(flat, image, image).total.item() == pytest.approx(2 * math.log(2))
    assert NonSaturatingLoss().generator(flat, image).item() == pytest.approx(math.log(2))
    record = NonSaturatingLoss(0.1).critic(linear(2.0), image, -image)
    p = 1 / (1 + math.exp(-2.0))
    assert record.total.item() == pytest.approx(-0.9 * math.log(p) - 0.1 * math.log(1 - p) - math.log(p), abs=1e-5)
    assert record.parts["distance"].item() == pytest.approx(4.0)
    with pytest.raises(CellmlError, match=r"not by 0\.5"):
        NonSaturatingLoss(0.5)
