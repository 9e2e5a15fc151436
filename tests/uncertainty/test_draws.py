from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellml.uncertainty.draws import (
    decisiveness_from_variance,
    draw_classes,
    draw_foreground,
    draw_probabilities,
    fields_for_classes,
)
from cellml.uncertainty.field import CorrelatedField

SHAPE, SPACING = (12, 24, 24), (10.0, 10.0, 10.0)


def fields(seed: int, count: int = 1, length: float = 30.0) -> np.ndarray:
    return np.stack([CorrelatedField(SHAPE, SPACING, length, [seed, k]).slab(slice(0, SHAPE[0])) for k in range(count)])


def test_the_mean_of_many_samples_is_the_probability() -> None:
    p = np.broadcast_to(np.linspace(0, 1, SHAPE[2], dtype=np.float32), SHAPE)
    draws = np.stack([draw_foreground(p, fields(seed)[0]) for seed in range(60)])
    found = draws.mean(axis=(0, 1, 2))
    np.testing.assert_allclose(found, p[0, 0], atol=0.05)
    assert draws[..., 0].max() == 0 and draws[..., -1].min() == 1


def test_each_class_keeps_its_probability() -> None:
    p = np.broadcast_to(np.array([0.5, 0.2, 0.3], np.float32)[:, None, None, None], (3, *SHAPE))
    draws = [draw_classes(p, fields(seed, fields_for_classes(3))) for seed in range(40)]
    found = np.bincount(np.stack(draws).ravel(), minlength=3) / (40 * np.prod(SHAPE))
    np.testing.assert_allclose(found, [0.5, 0.2, 0.3], atol=0.04)
    two = np.stack([1 - p[2], p[2]])
    assert np.array_equal(draw_classes(two, fields(0)), draw_foreground(p[2], fields(0)[0]))


def test_samples_are_shapes_and_not_salt_and_pepper() -> None:
    p = np.full(SHAPE, 0.5, np.float32)
    smooth, noisy = draw_foreground(p, fields(1, length=60.0)[0]), draw_foreground(p, fields(1, length=1.0)[0])
    assert ndimage.label(smooth)[1] < ndimage.label(noisy)[1] / 10
    faces = [(np.diff(s, axis=2) != 0).mean() for s in (smooth, noisy)]
    assert faces[1] == pytest.approx(0.5, abs=0.05) and faces[0] < 0.12


@pytest.mark.parametrize("decisiveness", [0.0, 0.3, 0.8, 1.0])
def test_perturbed_affinities_keep_their_mean_for_any_decisiveness(decisiveness: float) -> None:
    p = np.broadcast_to(np.linspace(0.02, 0.98, SHAPE[2], dtype=np.float32), (2, *SHAPE))
    draws = np.stack([draw_probabilities(p, fields(seed)[0], decisiveness) for seed in range(50)])
    assert draws.min() >= 0 and draws.max() <= 1
    np.testing.assert_allclose(draws.mean(axis=(0, 2, 3)), p[:, 0, 0], atol=0.05)
    if decisiveness == 0:
        np.testing.assert_allclose(draws[0], p, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_decisiveness_gives_the_committees_variance(share: float) -> None:
    g = np.random.default_rng(0).standard_normal(400_000)
    drawn = draw_probabilities(np.full((1, g.size), 0.5, np.float32), g, decisiveness_from_variance(share))
    assert drawn.var() / 0.25 == pytest.approx(share, abs=0.01)
