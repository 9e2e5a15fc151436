"""Masks of the wedge in a rotated frame: against the masks of whole volumes, and against a rotated image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.tomography.rotated_wedge import checked_range, rotated_sampled, without_wedge
from cellml.tomography.rotation import random_rotation, rotated_block, spline_coefficients
from cellml.tomography.wedge import sampled_wedge

QUARTER_ABOUT_X = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def mask(rotation: np.ndarray, size: int = 16, tilts: tuple[float, float] = (-60.0, 40.0), edge: float = 0.0) -> torch.Tensor:
    return rotated_sampled(torch.from_numpy(rotation)[None].float(), size, tilts, edge)[0, 0]


def test_upright_it_is_the_mask_of_the_whole_volume() -> None:
    whole = np.broadcast_to(sampled_wedge((16, 16, 16), [-60, 40]), (16, 16, 9))
    found = mask(np.eye(3)).numpy()
    nyquist = np.zeros_like(whole)
    nyquist[8], nyquist[:, 8], nyquist[..., 8] = True, True, True  # +1/2 and −1/2 are one coefficient there
    assert (whole == (found >= 0.5))[~nyquist].all() and 0.3 < found.mean() < 0.8


def test_a_quarter_turn_about_x_turns_the_mask() -> None:
    upright, turned = mask(np.eye(3)).numpy(), mask(QUARTER_ABOUT_X).numpy()
    lab_z = -np.fft.fftfreq(16, 1 / 16).astype(int)  # (R k)_z = −k_y
    expected = np.broadcast_to(upright[lab_z % 16, 0][:, None].transpose(1, 0, 2), (16, 16, 9))
    inner = np.arange(16) != 8
    assert np.array_equal(turned[inner][:, inner][..., :8], expected[inner][:, inner][..., :8])


def test_soft_edges_pass_a_half_where_the_last_tilt_lies_and_rise_over_their_width() -> None:
    line = mask(np.eye(3), 32, (-45.0, 45.0), 4.0)[:12, 3, 6]  # at k_x = 6 the edge is at k_z = 6, √½ sample a voxel away
    assert line[6] == pytest.approx(0.5) and line[7] == pytest.approx(0.5 - np.sqrt(0.5) / 4, abs=1e-5)
    assert line[0] == 1 and (line.diff() <= 0).all()
    assert mask(np.eye(3), 16)[0, 0, 0] == 1


def test_a_rotated_block_of_a_wedged_volume_has_power_only_under_the_rotated_mask() -> None:
    rng = np.random.default_rng(3)
    noise = torch.from_numpy(rng.normal(size=(1, 1, 64, 64, 64)).astype(np.float32))
    wedged = without_wedge(noise, (-60.0, 40.0), edge=0.0)[0].numpy()
    rotation = random_rotation(rng)
    block, _ = rotated_block(spline_coefficients(wedged), (31.5, 31.5, 31.5), rotation, 32)
    window = np.hanning(34)[1:-1]
    power = np.abs(np.fft.rfftn(block[0] * window[:, None, None] * window[:, None] * window)) ** 2
    k = np.sqrt(sum(f**2 for f in np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32), np.fft.rfftfreq(32), indexing="ij")))
    band = (k > 0.1) & (k < 0.35)
    known, mirrored = mask(rotation, 32).numpy() > 0, mask(rotation.T.copy(), 32).numpy() > 0
    assert power[band & ~known].mean() < 0.12 * power[band & known].mean()
    assert power[band & ~mirrored].mean() > 0.3 * power[band & mirrored].mean()  # the inverse rotation is not it


def test_ranges_without_a_wedge_are_refused() -> None:
    assert checked_range([40, -60]) == (-60.0, 40.0)
    for bad in ([0.0, 0.0], [-90.0, 90.0], [1.0], [0.0, float("nan")]):
        with pytest.raises(CellmlError, match="tilt range"):
            checked_range(bad)
