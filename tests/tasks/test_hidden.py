from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.tasks.hidden import HiddenBlocks

SIZES = st.tuples(*[st.integers(1, 12)] * 3)


@settings(max_examples=30, deadline=None)
@given(SIZES, SIZES, st.integers(0, 10**6))
def test_what_is_hidden_comes_in_whole_blocks_of_a_grid(shape: tuple, block: tuple, seed: int) -> None:
    """The slow twin: some grid begins at every voxel; one of them must explain the mask."""
    hidden = HiddenBlocks(block, 0.5).hide((1, 1, *shape), (seed,))[0, 0]
    assert hidden.shape == shape and hidden.dtype == torch.bool
    for axis, (n, b) in enumerate(zip(shape, block, strict=True)):
        changes = {i for i in range(1, n) if not torch.equal(hidden.select(axis, i), hidden.select(axis, i - 1))}
        assert len({i % b for i in changes}) <= 1


def test_the_share_is_kept_and_samples_differ() -> None:
    hidden = HiddenBlocks((1, 4, 4), 0.6).hide((3, 1, 16, 64, 64), (0,))
    assert hidden.float().mean(dim=(1, 2, 3, 4)).tolist() == pytest.approx([0.6] * 3, abs=0.03)
    assert not torch.equal(hidden[0], hidden[1])


def test_the_seed_decides() -> None:
    rule = HiddenBlocks((1, 2, 2), 0.5)
    one, two, other = (rule.hide((1, 1, 4, 8, 8), seed) for seed in ((3, 1), (3, 1), (4, 1)))
    assert torch.equal(one, two) and not torch.equal(one, other)


@pytest.mark.parametrize("wrong", [{"block": (0, 1, 1)}, {"block": (2, 2)}, {"share": 0.0}, {"share": 1.0}])
def test_blocks_that_hide_nothing_or_everything_are_refused(wrong: dict) -> None:
    with pytest.raises(CellmlError, match="three sizes of at least 1"):
        HiddenBlocks(**wrong)
