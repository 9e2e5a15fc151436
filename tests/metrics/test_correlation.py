from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.metrics.correlation import ImageMoments


def images(seed: int, offset: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(2, 3, 7, 8)) + offset
    return truth, 0.5 * truth + rng.normal(size=truth.shape) + 0.3


def test_agrees_with_numpy_and_the_definitions() -> None:
    truth, prediction = images(0)
    moments = ImageMoments.from_images(truth, prediction)
    for c in range(2):
        t, p = truth[c].ravel(), prediction[c].ravel()
        assert moments.pearson()[c] == pytest.approx(np.corrcoef(t, p)[0, 1], rel=1e-12)
        assert moments.mean_absolute_error()[c] == pytest.approx(np.abs(p - t).mean(), rel=1e-12)
        assert moments.explained_variance()[c] == pytest.approx(1 - ((p - t) ** 2).sum() / ((t - t.mean()) ** 2).sum(), rel=1e-12)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 99), cut=st.integers(0, 7), offset=st.sampled_from([0.0, 1e6]))
def test_blocks_add_up_to_the_whole_even_on_a_large_offset(seed: int, cut: int, offset: float) -> None:
    truth, prediction = images(seed, offset)
    parts = [ImageMoments.from_images(truth[:, :, part], prediction[:, :, part]) for part in (slice(0, cut), slice(cut, None))]
    summed, whole = ImageMoments.zeros(2) + parts[0] + parts[1], ImageMoments.from_images(truth, prediction)
    for field in ("count", "truth_mean", "truth_square", "prediction_square", "product", "absolute"):
        np.testing.assert_allclose(getattr(summed, field), getattr(whole, field), rtol=1e-9)


def test_only_the_mask_counts_and_constants_have_no_correlation() -> None:
    truth, prediction = images(1)
    mask = np.zeros(truth.shape, bool)
    mask[:, 0] = True
    prediction[:, 1:] = np.nan
    truth[:, 1:] = np.nan
    assert np.isfinite(ImageMoments.from_images(truth, prediction, mask).pearson()).all()
    assert np.isnan(ImageMoments.from_images(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2))).pearson()).all()
    assert np.isnan(ImageMoments.zeros(3).mean_absolute_error()).all()


def test_shapes_must_agree() -> None:
    with pytest.raises(CellmlError, match="must cover the same voxels"):
        ImageMoments.from_images(np.zeros((1, 2, 2, 2)), np.zeros((1, 2, 2, 3)))
