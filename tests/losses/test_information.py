"""The bound of mutual information at its closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from cellml.errors import CellmlError
from cellml.losses.information import InformationLoss


def test_a_category_read_surely_carries_its_entropy_and_a_guess_nothing() -> None:
    codes = torch.eye(3)
    sure = InformationLoss(2.0)(100 * codes, torch.zeros(3, 0), codes)
    assert sure.parts["information"].item() == pytest.approx(math.log(3), abs=1e-5)
    assert sure.total.item() == pytest.approx(-2 * math.log(3), abs=1e-5)
    guess = InformationLoss()(torch.zeros(3, 3), torch.zeros(3, 0), codes)
    assert guess.parts["information"].item() == pytest.approx(0, abs=1e-6)


def test_continuous_codes_carry_at_most_what_the_spread_allows() -> None:
    """E[log Q] + H = log 2 − log(σ √(2π)) − E[(c − μ)²] / 2σ²."""
    codes, spread = torch.tensor([[0.5], [-0.5]]), 0.2
    exact = InformationLoss(1.0, spread)(torch.zeros(2, 0), codes, codes)
    most = math.log(2) - math.log(spread * math.sqrt(2 * math.pi))
    assert exact.parts["information"].item() == pytest.approx(most, abs=1e-6)
    off = InformationLoss(1.0, spread)(torch.zeros(2, 0), codes + 0.1, codes)
    assert off.parts["information"].item() == pytest.approx(most - 0.5 * (0.1 / spread) ** 2, abs=1e-5)


def test_what_is_no_deviation_is_told() -> None:
    with pytest.raises(CellmlError, match="spread positive"):
        InformationLoss(1.0, 0.0)
