"""Benjamini and Hochberg, on their own example."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from cellml.errors import CellmlError
from cellml.populations.false_discovery import benjamini_hochberg

# The fifteen p values of Benjamini & Hochberg (1995), section 4, of which their procedure keeps the first four at 0.05.
PUBLISHED = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]


def test_the_published_example() -> None:
    assert (benjamini_hochberg(np.array(PUBLISHED)) <= 0.05).sum() == 4


def test_agrees_with_scipy_in_any_shape() -> None:
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(0).random((7, 5)) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p).ravel(), false_discovery_control(p.ravel()))


@settings(deadline=None)
@given(arrays(float, some.integers(1, 30), elements=some.floats(0, 1)))
def test_q_is_never_below_p_and_keeps_the_order(p: np.ndarray) -> None:
    q = benjamini_hochberg(p)
    assert (q >= p - 1e-15).all() and (q <= 1).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= 0).all()


@pytest.mark.parametrize("p", [[], [0.1, 1.2], [float("nan")]])
def test_what_is_no_probability_is_refused(p: list[float]) -> None:
    with pytest.raises(CellmlError, match="between 0 and 1"):
        benjamini_hochberg(np.array(p))
