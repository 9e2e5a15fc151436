from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.pipeline.image_draws import drawn_image, filled_wedge, noise_deviation
from cellml.tomography.wedge import sampled_wedge


def scene(shape: tuple[int, int, int] = (12, 64, 64)) -> np.ndarray:
    """A ramp with a step: structure that is no noise."""
    z, y, x = np.indices(shape, dtype=float)
    return np.asarray(2 * y + 0.5 * x + 40 * (y > 30) + z)


@pytest.mark.parametrize("deviation", [0.5, 5.0, 20.0])
def test_the_noise_that_was_added_is_found_among_ramps_and_steps(deviation: float) -> None:
    noise = deviation * np.random.default_rng(0).standard_normal((12, 64, 64))
    assert noise_deviation(scene() + noise) == pytest.approx(deviation, rel=0.06)
    assert noise_deviation(scene()) < 1e-6


def test_a_draw_has_as_much_noise_more_and_the_same_seed_the_same_draw() -> None:
    image = scene()
    one, again, other = (drawn_image(image, 3.0, None, seed) for seed in ([0, 1], [0, 1], [0, 2]))
    assert (one == again).all() and (one != other).any() and one.dtype == np.float32
    assert (one - image).std() == pytest.approx(3.0, rel=0.02)
    assert (drawn_image(image, 0.0, None, [0]) == image.astype(np.float32)).all()


def test_what_was_measured_stays_and_the_wedge_gets_its_power() -> None:
    rng = np.random.default_rng(1)
    image = rng.standard_normal((32, 24, 32)).astype(np.float32)
    image = np.fft.irfftn(np.fft.rfftn(image) * sampled_wedge(image.shape, [-60.0, 60.0]), s=image.shape).astype(np.float32)
    filled = filled_wedge(image, [-60.0, 60.0], rng)
    before, after = np.fft.rfftn(image.astype(float)), np.fft.rfftn(filled.astype(float))
    measured = np.broadcast_to(sampled_wedge(image.shape, [-60.0, 60.0]), before.shape)
    assert np.abs(after - before)[measured].max() < 1e-3 * np.abs(before).max()
    inside, outside = (np.abs(after[~measured]) ** 2).mean(), (np.abs(before[measured]) ** 2).mean()
    assert inside == pytest.approx(outside, rel=0.15) and (np.abs(before[~measured]) ** 2).mean() < 1e-6 * outside


def test_images_too_small_to_tell_are_refused() -> None:
    with pytest.raises(CellmlError, match="5 × 5"):
        noise_deviation(np.zeros((3, 4, 8)))
