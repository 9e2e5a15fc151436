from __future__ import annotations

import pytest
import torch

from cellml.uncertainty.field import CorrelatedField
from cellml.uncertainty.residuals import ResidualCorrelation

SPACING, SHAPE = (20.0, 10.0, 10.0), (20, 36, 36)


def member(seed: int, length: float) -> torch.Tensor:
    return torch.from_numpy(CorrelatedField(SHAPE, SPACING, length, seed).slab(slice(0, SHAPE[0])))[None, None]


@pytest.mark.parametrize("length", [30.0, 70.0])
def test_the_length_of_independent_errors_is_found(length: float) -> None:
    found = ResidualCorrelation()
    first = member(0, length)
    for seed in range(1, 4):
        found.add(member(seed, length) - first, first)
    assert found.length_nm(SPACING) == pytest.approx(length, rel=0.2)


def test_decided_voxels_do_not_count_and_sums_add_up() -> None:
    first, second = member(0, 30.0), member(1, 30.0)
    halves = ResidualCorrelation()
    halves.add(second - first, first)
    with_decided = ResidualCorrelation()
    far = torch.cat([first, torch.full_like(first, 50.0)], dim=1)
    with_decided.add(torch.cat([second - first, torch.full_like(first, 9.0)], dim=1), far)
    assert with_decided.correlations() == pytest.approx(halves.correlations())
    double = halves + halves
    assert double.correlations() == pytest.approx(halves.correlations())
    assert double.squares[0, 1] == pytest.approx(2 * halves.squares[0, 1])


def test_nothing_to_learn_from_and_errors_of_single_voxels() -> None:
    assert ResidualCorrelation().length_nm(SPACING) is None
    white = ResidualCorrelation()
    white.add(member(1, 1.0) - member(0, 1.0), member(0, 1.0))
    assert white.length_nm(SPACING) == 5.0
