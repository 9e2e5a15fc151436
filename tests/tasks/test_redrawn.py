"""Codes that make nothing are drawn again, with other seeds, until there are enough or the model is given up."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.tasks.redrawn import redrawn, with_body


def normal(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))


def test_only_codes_that_make_a_body_are_kept_and_the_first_ones_stay() -> None:
    found = redrawn(50, 3, normal, lambda codes: (codes[:, 0] > 0).numpy())
    assert found.shape == (50, 2)
    assert (found[:, 0] > 0).all()
    first = normal(50, 3).numpy()
    kept = first[first[:, 0] > 0]
    np.testing.assert_array_equal(found[: len(kept)], kept)
    assert len(np.unique(found, axis=0)) == 50
    np.testing.assert_array_equal(redrawn(50, 3, normal, lambda codes: np.ones(len(codes), bool)), first)


def test_a_model_that_makes_nothing_is_given_up() -> None:
    with pytest.raises(CellmlError, match="Only 0 of 4 codes"):
        redrawn(4, 0, normal, lambda codes: np.zeros(len(codes), bool))
    with pytest.raises(CellmlError, match="0 shapes cannot be drawn"):
        redrawn(0, 0, normal, lambda codes: np.ones(len(codes), bool))


def test_what_lies_on_the_border_alone_is_no_body() -> None:
    grids = np.ones((3, 4, 4, 4))
    grids[1, 0, 1, 1] = grids[2, 1, 2, 2] = -1
    assert with_body(grids).tolist() == [False, False, True]
