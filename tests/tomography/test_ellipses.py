"""The closed-form phantom: its projections against sums over a finely sampled section."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.tomography.ellipses import ellipse_series, line_integrals, section
from cellml.tomography.projector import ParallelProjector

TILTS = np.array([-60.0, -10.0, 0.0, 45.0, 90.0])


def test_mass_is_the_same_in_the_section_and_at_every_tilt() -> None:
    assert np.allclose(line_integrals(TILTS, 64).sum(1), section(64, 64).sum(), rtol=3e-3)


def test_projections_agree_with_those_of_the_sampled_section() -> None:
    sampled = ParallelProjector(TILTS, (64, 1, 64)).forward(torch.from_numpy(section(64, 64))[:, None])[:, 0].numpy()
    exact = line_integrals(TILTS, 64)
    assert np.abs(sampled - exact).mean() < 0.01 * exact.max()


def test_one_circle_has_the_chord_through_its_middle() -> None:
    lines = line_integrals([0.0, 37.0], 101, ((2.0, 0.0, 0.0, 0.5, 0.5),), fine=1)
    assert lines[:, 50] == pytest.approx(2.0 * 50.5)


def test_rows_are_alike() -> None:
    series = ellipse_series(TILTS, 16, rows=3, pixel=2.0)
    assert series.data.shape == (5, 3, 16) and (series.data == series.data[:, :1]).all() and series.pixel == 2.0
