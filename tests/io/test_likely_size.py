"""Surfaces in µm that were read as nm are noticed."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from cellml.io.likely_size import warn_of_size
from cellml.types import Surface


def cube(side_nm: float) -> Surface:
    corners = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float) * side_nm
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return Surface(corners, np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]), "cube")


@pytest.mark.parametrize(("sides", "warned"), [([0.5], 1), ([5.1], 0), ([9e5], 0), ([1.1e6], 1), ([300.0, 400.0, 1.0], 0), ([], 0)])
def test_a_warning_where_the_typical_size_is_no_cells(sides: list[float], warned: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        warn_of_size([cube(side) for side in sides], "shapes")
    assert len(caplog.messages) == warned
    assert all("unit=um" in told and f"{np.median(sides):.3g} nm" in told for told in caplog.messages)
