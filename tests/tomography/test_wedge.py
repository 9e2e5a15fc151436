from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.tomography.geometry import SENSE
from cellml.tomography.wedge import coverage, measured_mask, missing_wedge, sampled_wedge, slice_distance


def slow_count(shape: tuple[int, int, int], tilts: list[float]) -> np.ndarray:
    """The definition, one coefficient and one tilt at a time, in sample indices."""
    z, _, x = shape
    count = np.zeros((z, 1, x), int)
    for i in range(z):
        for j in range(x):
            iz, ix = (i + z // 2) % z - z // 2, (j + x // 2) % x - x // 2
            if (iz / z) ** 2 + (ix / x) ** 2 >= 0.25:
                continue
            for tilt in np.deg2rad(tilts):
                along = np.array([z * SENSE * np.sin(tilt), x * np.cos(tilt)])
                along /= np.linalg.norm(along)
                count[i, 0, j] += np.linalg.norm(np.array([iz, ix]) - along * (along @ [iz, ix])) <= 0.5 + 1e-12
    return count


@pytest.mark.parametrize("shape", [(16, 4, 16), (10, 3, 24), (15, 5, 9)])
def test_coverage_is_the_definition(shape: tuple[int, int, int]) -> None:
    tilts = [-50.0, -20.0, 0.0, 13.0, 61.0]
    slow = slow_count(shape, tilts)
    np.testing.assert_array_equal(coverage(shape, tilts, full=True), slow)
    np.testing.assert_array_equal(coverage(shape, tilts), slow[..., : shape[2] // 2 + 1])


def test_untilted_projection_measures_the_plane_without_depth() -> None:
    mask = measured_mask((12, 6, 12), [0.0])
    assert mask.shape == (12, 1, 7)
    np.testing.assert_array_equal(np.argwhere(mask[:, 0])[:, 0], 0)
    assert mask[0, 0].sum() == 6  # the Nyquist column lies on the detector's limit


def test_a_positive_tilt_measures_the_slice_of_its_sense() -> None:
    mask = measured_mask((32, 1, 32), [45.0])
    assert mask[int(5 * SENSE) % 32, 0, 5]
    assert not mask[int(-5 * SENSE) % 32, 0, 5]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(low=st.floats(-80, 10), extent=st.floats(5, 120), size=st.sampled_from([8, 11, 16]))
def test_masks_are_those_of_real_volumes_and_the_wedge_is_the_rest(low: float, extent: float, size: int) -> None:
    shape, tilts = (size, 2, size + 3), np.linspace(low, low + extent, 9)
    for mask in (measured_mask(shape, tilts, full=True), missing_wedge(shape, tilts, full=True)):
        twin = np.roll(mask[::-1, :, ::-1], (1, 1), axis=(0, 2))  # k -> -k
        inner = slice_distance(shape, 0.0, full=True) * 0 == 0
        inner[size // 2 if size % 2 == 0 else slice(0, 0)] = inner[:, :, (size + 3) // 2 if size % 2 else slice(0, 0)] = False
        np.testing.assert_array_equal(mask[inner], twin[inner])
    np.testing.assert_array_equal(sampled_wedge(shape, tilts), ~missing_wedge(shape, tilts))
    deep = missing_wedge(shape, tilts, margin=1.0)
    assert not (deep & measured_mask(shape, tilts)).any()


def test_wedge_of_sixty_degrees_is_a_third() -> None:
    wedge = missing_wedge((128, 1, 128), np.arange(-60, 61, 2.0), full=True)
    index = np.fft.fftfreq(128)
    disc = np.hypot(index[:, None, None], index[None, None, :]) < 0.5
    assert wedge[disc].mean() == pytest.approx(1 / 3, abs=0.01)
    assert wedge[40, 0, 0] and not wedge[0, 0, 40]  # what is missing is depth


def test_a_pretilt_turns_the_wedge_past_ninety_degrees() -> None:
    wedge = missing_wedge((64, 1, 64), np.arange(30, 151, 2.0))
    assert wedge[0, 0, 20] and not wedge[20, 0, 0]


def test_bad_input_is_refused_with_numbers() -> None:
    with pytest.raises(CellmlError, match="finite tilts"):
        measured_mask((8, 8, 8), [np.nan])
    with pytest.raises(CellmlError, match=r"\(1, 8, 8\)"):
        measured_mask((1, 8, 8), [0.0])
