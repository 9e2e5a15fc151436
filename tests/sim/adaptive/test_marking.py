from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellml.sim.adaptive.marking import doerfler, everything, maximum
from cellml.sim.errors import SimulationError

indicators = arrays(float, st.integers(1, 9), elements=st.integers(0, 20).map(float))


@given(indicators, st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0]))
def test_doerfler_set_suffices_and_no_smaller_one_does(squared, theta):
    chosen = doerfler(squared, theta)
    if squared.sum() == 0:
        assert len(chosen) == 0
        return
    assert len(np.unique(chosen)) == len(chosen)
    assert squared[chosen].sum() >= theta * squared.sum()
    fewer = len(chosen) - 1
    assert all(squared[list(subset)].sum() < theta * squared.sum() for subset in combinations(range(len(squared)), fewer))


@given(indicators, st.floats(0.05, 1.0))
def test_maximum_marks_by_the_root(squared, theta):
    chosen = set(maximum(squared, theta).tolist())
    eta = np.sqrt(squared)
    for number, value in enumerate(eta):
        if value > theta * eta.max() * (1 + 1e-9):
            assert number in chosen
        if value < theta * eta.max() * (1 - 1e-9):
            assert number not in chosen


def test_everything_and_refusals():
    np.testing.assert_array_equal(everything(np.ones(3)), [0, 1, 2])
    with pytest.raises(SimulationError, match="theta=0"):
        doerfler(np.ones(3), 0.0)
    with pytest.raises(SimulationError, match="1 of 2 squared indicators"):
        maximum(np.array([1.0, np.nan]))
