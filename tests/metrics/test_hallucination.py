from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.metrics.hallucination import expressed_shares, hallucination_rate, painted_out


def tissue() -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Grain with two membranes in it."""
    rng = np.random.default_rng(0)
    image = rng.normal(0, 0.1, (24, 24, 24)).astype(np.float32)
    sheet = np.zeros(image.shape, bool)
    sheet[:, :, 7:9] = True
    other = np.zeros(image.shape, bool)
    other[15:17, :, 14:] = True
    image[sheet | other] += 2
    return image, [sheet & (np.arange(24) < 12)[None, :, None], other], ~(sheet | other)


def test_what_is_painted_out_looks_like_its_surroundings() -> None:
    image, masks, around = tissue()
    without = painted_out(image, masks, around)
    removed = masks[0] | masks[1]
    np.testing.assert_array_equal(without[~removed], image[~removed])
    assert abs(float(without[removed].mean())) < 0.05
    assert float(without[removed].std()) == pytest.approx(0.1, abs=0.03)
    np.testing.assert_array_equal(without, painted_out(image, masks, around))


def test_shares_are_those_of_the_pattern_on_any_grey_scale() -> None:
    image, masks, around = tissue()
    without = painted_out(image, masks, around)
    invented = without + 0.8 * (image - without) * masks[0]
    for repair in (invented, 3 * invented - 7):
        first, second = expressed_shares(repair, without, image, masks)
        assert first == pytest.approx(0.8, abs=0.12)
        assert second == pytest.approx(0.0, abs=0.05)
    assert expressed_shares(image, without, image, masks) == pytest.approx([1, 1], abs=1e-5)
    assert expressed_shares(without, without, image, masks) == pytest.approx([0, 0], abs=1e-5)


def test_rate_counts_objects_mostly_invented() -> None:
    assert hallucination_rate([0.1, 0.6, -0.2, 0.9]) == 0.5
    with pytest.raises(CellmlError, match="at least one"):
        hallucination_rate([])


def test_bad_objects_are_refused() -> None:
    image, masks, around = tissue()
    with pytest.raises(CellmlError, match="no surroundings"):
        painted_out(image, masks, np.zeros_like(around))
    with pytest.raises(CellmlError, match="adds nothing"):
        expressed_shares(image, image, image, masks)
