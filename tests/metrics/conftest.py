"""What several tests of metrics need; property tests compare with slow twins and must not fail because a machine is busy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from scipy.ndimage import gaussian_filter

settings.register_profile("slow twins", deadline=None, max_examples=50)
settings.load_profile("slow twins")


@pytest.fixture
def membrane_maps():
    """Cells of a Voronoi diagram a section: a noisy, blurred probability of their borders, and the borders as truth, (3, 40, 50)."""
    rng, shape = np.random.default_rng(0), (3, 40, 50)
    truth = np.zeros(shape, np.uint8)
    y, x = np.indices(shape[1:])
    for section in truth:
        seeds = rng.random((9, 2)) * shape[1:]
        cells = np.argmin((y[..., None] - seeds[:, 0]) ** 2 + (x[..., None] - seeds[:, 1]) ** 2, axis=-1)
        section[:, 1:] |= cells[:, 1:] != cells[:, :-1]
        section[1:] |= cells[1:] != cells[:-1]
    noise = gaussian_filter(rng.normal(size=shape), (0, 1, 1))
    return np.clip(gaussian_filter(truth.astype(float), (0, 0.7, 0.7)) + 0.5 * noise, 0, 1), truth
