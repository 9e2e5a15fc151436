from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.signed_distance import sample_linear, smooth_signed_distance


def test_distance_to_a_plane_between_voxels_is_in_nanometres():
    mask = np.zeros((8, 8, 8), bool)
    mask[:4] = True
    distance = smooth_signed_distance(mask, (30.0, 30.0, 30.0), smoothing=0.0)
    assert distance[:, 3, 3] == pytest.approx([-105, -75, -45, -15, 15, 45, 75, 105])


def test_anisotropic_spacing_is_respected():
    mask = np.zeros((5, 9, 9), bool)
    mask[2, 4, 4] = True
    distance = smooth_signed_distance(mask, (50.0, 5.0, 5.0), smoothing=0.0)
    assert distance[4, 4, 4] - distance[3, 4, 4] == pytest.approx(50.0)
    assert distance[2, 4, 6] - distance[2, 4, 5] == pytest.approx(5.0)


def test_smoothing_leaves_a_plane_where_it_is():
    mask = np.zeros((12, 8, 8), bool)
    mask[:6] = True
    distance = smooth_signed_distance(mask, (10.0, 10.0, 10.0), smoothing=1.0)
    assert sample_linear(distance, np.array([[5.5, 4.0, 4.0]])) == pytest.approx([0.0], abs=1e-9)


def test_sampling_is_trilinear():
    z, y, x = np.mgrid[:4, :5, :6].astype(float)
    places = np.random.default_rng(0).uniform(0, 3, size=(20, 3))
    assert sample_linear(2 * z - 3 * y + x + 1, places) == pytest.approx(places @ [2, -3, 1] + 1)
