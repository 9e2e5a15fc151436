"""Where a voxel falls, by the convention in words: a point phantom, and the pictures that follow from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.tomography.geometry import SENSE, centre, direction, rays
from cellml.tomography.projector import ParallelProjector


def centroid(image: np.ndarray) -> float:
    return float((image * np.arange(image.size)).sum() / image.sum())


@pytest.mark.parametrize("tilt", [-60.0, -45.0, -10.0, 0.0, 30.0, 45.0, 70.0, 90.0])
def test_a_point_falls_where_the_convention_says(tilt: float) -> None:
    volume = torch.zeros(31, 5, 41, dtype=torch.float64)
    volume[22, 3, 28] = 1.0  # 7 above the middle and 8 to the right of it
    projection = ParallelProjector([tilt], (31, 5, 41), width=61).forward(volume)[0].numpy()
    assert projection[[0, 1, 2, 4]].sum() == 0
    expected = 8 * np.cos(np.deg2rad(tilt)) + 7 * np.sin(np.deg2rad(tilt))
    # the two pixels of a hat have the point between them; their weights need not balance exactly on it
    assert abs(centroid(projection[3]) - centre(61) - expected) < 0.3


def test_at_a_positive_tilt_what_lies_high_moves_to_the_right_as_in_imod() -> None:
    assert SENSE == 1.0
    volume = torch.zeros(21, 1, 21)
    volume[18, 0, 10] = 1.0
    projection = ParallelProjector([-30.0, 0.0, 30.0], (21, 1, 21)).forward(volume).numpy()[:, 0]
    assert centroid(projection[0]) < centroid(projection[1]) == 10 < centroid(projection[2])


def test_rows_of_imods_sections_count_downwards() -> None:
    """IMOD's `tilt` uses u = x cos t - r sin t with r = -z: the same as ours for the volume turned back about X."""
    x, z, tilt = 3.0, 5.0, np.deg2rad(25.0)
    cos, sin = direction([25.0])
    assert np.isclose(x * cos[0] + z * sin[0], x * np.cos(tilt) - (-z) * np.sin(tilt))


def test_shift_moves_along_the_detector() -> None:
    volume = torch.zeros(5, 9, 11, dtype=torch.float64)
    volume[2, 4, 5] = 1.0
    projection = ParallelProjector([0.0], (5, 9, 11), shifts=[[-2.0, 3.0]]).forward(volume)[0]
    assert projection[2, 8] == 1.0 and projection.sum() == 1.0


@pytest.mark.parametrize(
    "options", [{"depth": 0, "breadth": 4}, {"depth": 4, "breadth": 4, "width": 0}, {"depth": 2, "breadth": 2, "shift": [1.0, 2.0, 3.0]}]
)
def test_empty_sections_and_wrong_shifts_are_refused(options: dict) -> None:
    with pytest.raises(CellmlError):
        rays([0.0, 10.0], **options)
    with pytest.raises(CellmlError, match="finite"):
        rays([0.0, np.nan], depth=2, breadth=2)
