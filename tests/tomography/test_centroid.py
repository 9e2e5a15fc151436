from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.io import read_tilts
from cellml.tomography.alignment.centroid import centroid_offset
from cellml.tomography.geometry import SENSE
from cellml.types import TiltSeries

ANGLES = np.arange(0.0, 180.0, 5.0)


def test_the_axis_of_two_spots() -> None:
    u = np.arange(101) - 50.0
    tilt = np.deg2rad(ANGLES)[:, None]
    data = sum(
        h * np.exp(-((u[None] - 6.25 - x * np.cos(tilt) - z * SENSE * np.sin(tilt)) ** 2) / 8) for h, x, z in ((1, 12, -5), (2, -9, 14))
    )
    assert centroid_offset(TiltSeries(np.asarray(data)[:, None], ANGLES, 1.0)) == pytest.approx(6.25, abs=1e-6)


def test_projections_without_mass_are_refused() -> None:
    with pytest.raises(CellmlError, match="Projection 0 .* has a sum of 0"):
        centroid_offset(TiltSeries(np.zeros((36, 2, 9)), ANGLES, 1.0))


@pytest.mark.skipif("CELLML_DATA" not in os.environ, reason="real data: set CELLML_DATA")
def test_the_axis_of_the_tooth() -> None:
    """Its makers' tutorial finds column 296."""
    path = Path(os.environ["CELLML_DATA"]) / "tomopy_tooth.h5"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    assert 319.5 + centroid_offset(read_tilts(path, pixel=1000)) == pytest.approx(296, abs=1)
