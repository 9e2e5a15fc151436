"""Halves of a tilt series: every tilt in one of them, neighbours apart."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.tomography.halves import split_halves
from cellml.types import TiltSeries


def series(angles: list[float]) -> TiltSeries:
    """Projections that hold their own angle."""
    data = np.broadcast_to(np.array(angles)[:, None, None], (len(angles), 3, 5)).astype(np.float32)
    return TiltSeries(data, np.array(angles), 2.0, axis_angle=3.0, pretilt=5.0, doses=np.arange(len(angles)), name="ts")


def test_neighbours_in_tilt_are_in_different_halves_whatever_the_order_of_acquisition() -> None:
    even, odd = split_halves(series([0.0, 2.0, -2.0, 4.0, -4.0]))
    assert even.angles.tolist() == [0.0, 4.0, -4.0] and odd.angles.tolist() == [2.0, -2.0]
    assert even.data[:, 0, 0].tolist() == even.angles.tolist() and odd.doses.tolist() == [1.0, 2.0]
    assert (even.pixel, even.axis_angle, odd.pretilt) == (2.0, 3.0, 5.0) and even.name == "ts, even tilts"


def test_a_series_too_short_to_halve_is_refused() -> None:
    with pytest.raises(CellmlError, match="3 projections"):
        split_halves(series([-1.0, 0.0, 1.0]))
