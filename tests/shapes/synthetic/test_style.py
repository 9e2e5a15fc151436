"""Style: histogram, spectrum and rank are measured, and given to other images."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cellml.errors import CellmlError
from cellml.shapes.synthetic.style import Style, in_kind, measure_style, require_spacing, spectrum, styled, toned

QUANTILES = np.linspace(0, 1, 257)


def style(**more: object) -> Style:
    given = {"quantiles": 10 + 200 * QUANTILES**2, "rank": 0.2, "power": np.ones(64), "spacing": (40.0, 5.0, 5.0), "kind": "uint8"}
    return Style(**{**given, **more})  # type: ignore[arg-type]


def test_white_noise_has_a_flat_spectrum_and_smooth_noise_has_none_at_high_frequencies():
    white = np.random.default_rng(0).normal(100, 30, (8, 96, 96))
    assert spectrum(white)[2:] == pytest.approx(1, abs=0.4) and spectrum(white)[8:].mean() == pytest.approx(1, abs=0.03)
    smooth = spectrum(gaussian_filter(white, (0, 3, 3)))
    wanted = np.exp(-4 * np.pi**2 * (np.arange(64) / 128) ** 2 * 9)  # |exp(−2 π² f² σ²)|²
    assert smooth[10] / smooth[2] == pytest.approx(wanted[10] / wanted[2], rel=0.5) and smooth[40] < 1e-3 * smooth[2]


def test_missing_power_is_added_and_the_histogram_is_taken_over():
    smooth = gaussian_filter(np.random.default_rng(1).normal(size=(6, 96, 96)), (0, 3, 3)).astype(np.float32)
    target = style()
    found = styled(smooth, target, 1e9, np.random.default_rng(2))
    np.testing.assert_allclose(np.quantile(found, QUANTILES[8:-8]), target.quantiles[8:-8], rtol=0.01)
    assert spectrum(smooth)[40] < 0.01 and spectrum(found)[40] > 0.1


def test_long_waves_are_left_alone():
    smooth = gaussian_filter(np.random.default_rng(1).normal(size=(4, 96, 96)), (0, 4, 4)).astype(np.float32)
    flat = style(quantiles=QUANTILES)
    found = styled(smooth, flat, 1e-9, np.random.default_rng(2))  # nothing is shorter than that: only ranks change
    ranks = smooth.ravel().argsort().argsort()
    np.testing.assert_allclose(found.ravel(), (ranks + 0.5) / ranks.size, atol=1e-3)


def test_the_median_of_organelles_gets_its_rank():
    tissue = np.random.default_rng(0).random((5, 40, 40)).astype(np.float32)
    organelles = np.zeros(tissue.shape, bool)
    organelles[:, 5:15, 5:15] = True
    found = toned(tissue, organelles, style(rank=0.2))
    assert (found[~organelles] < np.median(found[organelles])).mean() == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(found[~organelles], tissue[~organelles])
    np.testing.assert_array_equal(toned(tissue, organelles, style(rank=None)), tissue)


def test_measured_on_labelled_sections_only(tmp_path: Path):
    rng = np.random.default_rng(0)
    raw = rng.integers(100, 201, (6, 32, 32)).astype(np.uint8)
    labels = np.zeros(raw.shape, np.uint8)
    labels[:, 4:12, 4:12] = 1
    raw[2][labels[2] > 0] = 125
    np.savez(tmp_path / "block.npz", raw=raw, labels=labels, voxel_nm=[40, 5, 5])
    source = {"image": f"{tmp_path}/block.npz:raw", "labels": f"{tmp_path}/block.npz:labels", "labelled_sections": [2]}
    found = measure_style(source)
    assert found.rank == pytest.approx(0.25, abs=0.03) and found.spacing == (40.0, 5.0, 5.0) and found.kind == "uint8"
    assert found.quantiles[0] == 100 and found.quantiles[-1] == 200
    assert measure_style({"image": source["image"]}).rank is None
    assert found.as_dict()["grey_05_50_95"][1] == pytest.approx(150, abs=3)
    labels[:] = 1
    np.savez(tmp_path / "full.npz", raw=raw, labels=labels, voxel_nm=[40, 5, 5])
    with pytest.raises(CellmlError, match="needs labelled organelles and their surroundings"):
        measure_style({"image": f"{tmp_path}/full.npz:raw", "labels": f"{tmp_path}/full.npz:labels"})


def test_grey_values_are_numbers_of_the_kind_of_the_styles_image():
    grey = np.array([-40.6, 0.25, 300.4], np.float32)
    assert in_kind(grey, "uint8").tolist() == [0, 0, 255] and in_kind(grey, "int16").tolist() == [-41, 0, 300]
    np.testing.assert_array_equal(in_kind(grey, "float32"), grey)  # rounded, an image between 0 and 1 would be black and white


def test_other_voxels_are_refused():
    require_spacing(style(), (40.0, 5.1, 4.9))
    with pytest.raises(CellmlError, match="texture is measured by the voxel"):
        require_spacing(style(), (40.0, 8.0, 8.0))
