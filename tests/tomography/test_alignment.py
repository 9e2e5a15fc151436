from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cellml.cli import main
from cellml.errors import CellmlError
from cellml.io import read_tilts, write_tilts
from cellml.tomography.alignment.align import Alignment, align_tilts
from cellml.tomography.alignment.anderson import Anderson
from cellml.tomography.alignment.correlation import Band, banded, displacement
from cellml.tomography.alignment.cumulative import cumulative_shifts
from cellml.tomography.alignment.gauge import root_mean_square, without_axis_offset, without_translation
from cellml.tomography.alignment.matching import Matcher, ProjectionMatching
from cellml.tomography.geometry import SENSE
from cellml.tomography.misalignment import Misalignment, misaligned
from cellml.tomography.simulate import projected, simulate_tilts
from cellml.types import TiltSeries, Volume

TILTS = np.arange(-60, 61, 6.0)
HOW = ProjectionMatching(thickness=20, iterations=5)


@cache
def slab() -> Volume:
    """Random ellipsoids in a slab of 20 voxels that goes on beyond the camera."""
    rng = np.random.default_rng(0)
    shape = (20, 84, 120)
    data = np.zeros(shape, np.float32)
    z, y, x = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    for _ in range(150):
        c, r = rng.uniform(-0.5, 0.5, 3) * shape, rng.uniform(1.5, 5, 3)
        data += rng.uniform(0.3, 1) * (((z - c[0]) / r[0]) ** 2 + ((y - c[1]) / r[1]) ** 2 + ((x - c[2]) / r[2]) ** 2 < 1)
    return Volume(data, (2.0,) * 3)


@cache
def shifted(snr: float = 10.0) -> tuple[TiltSeries, np.ndarray]:
    errors = Misalignment.drawn(len(TILTS), np.random.default_rng(3), shift=5)
    return simulate_tilts(slab(), TILTS, snr=snr, misalignment=errors, field=(72, 80), seed=1), errors.shifts


@pytest.mark.parametrize("whitening", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.0, -7.0), (1.3, -2.6), (-0.45, 0.25)])
def test_a_displacement_is_found_to_a_part_of_a_pixel(shift: tuple[float, float], whitening: float) -> None:
    rng = np.random.default_rng(0)
    image = banded(rng.normal(size=(1, 64, 96)), Band(0.02, 0.1))
    moved = misaligned(TiltSeries(np.repeat(image, 2, 0), np.array([0.0, 1.0]), 1.0), Misalignment.of(2, shift)).data[0]
    fade = np.hanning(66)[1:-1, None] * np.hanning(98)[None, 1:-1]
    found, likeness = displacement(image[0] * fade, moved * fade, whitening=whitening)
    # The fade stays where it is while the image moves, which draws the peak a little towards 0.
    np.testing.assert_allclose(found, shift, atol=0.05 + 0.05 * np.abs(shift).max())
    assert whitening or likeness > 0.8


def test_a_displacement_is_looked_for_within_bounds() -> None:
    image = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
    found, _ = displacement(image, np.roll(image, 9, axis=1), most=3)
    assert np.abs(found).max() <= 3.5


def test_a_band_passes_what_it_says() -> None:
    wave = np.cos(2 * np.pi * 0.1 * np.arange(100))[None, None] * np.ones((1, 50, 1))
    gain = banded(wave + 7, Band(0.02, 0.2))[0, 25, 30:70] / wave[0, 25, 30:70]
    np.testing.assert_allclose(gain, (1 - np.exp(-12.5)) * np.exp(-0.125), rtol=0.02)
    with pytest.raises(CellmlError, match="low < high"):
        Band(0.3, 0.1)


def test_a_translation_of_the_specimen_is_no_misalignment() -> None:
    volume = np.zeros((16, 12, 40), np.float32)
    volume[5:9, 4:8, 15:20] = np.random.default_rng(0).uniform(1, 2, (4, 4, 5))
    tilts = np.array([-50.0, -20.0, 10.0, 40.0])
    u = (np.arange(40) - 19.5)[None, None]
    before, after = (projected(Volume(v, (1.0,) * 3), tilts).data for v in (volume, np.roll(volume, (3, 2, -4), (0, 1, 2))))
    shift_u = [(a * u).sum() / a.sum() - (b * u).sum() / b.sum() for a, b in zip(after, before, strict=True)]
    np.testing.assert_allclose(shift_u, -4 * np.cos(np.deg2rad(tilts)) + 3 * SENSE * np.sin(np.deg2rad(tilts)), atol=0.05)
    shifts = np.stack([np.full(4, 2.0), shift_u], axis=1)
    np.testing.assert_allclose(without_translation(shifts, tilts), 0, atol=0.05)
    offset = shifts + np.array([0.0, 3.0])
    assert root_mean_square(without_translation(offset, tilts)) > 0.2
    np.testing.assert_allclose(without_axis_offset(offset, tilts), 0, atol=0.05)


def test_acceleration_solves_a_slow_linear_iteration() -> None:
    rates = np.array([0.99, 0.9, 0.5])
    solution = np.array([3.0, -2.0, 1.0])
    plain = fast = np.zeros(3)
    accelerated = Anderson(most=1000)
    for _ in range(8):
        plain = plain + (1 - rates) * (solution - plain)
        fast = accelerated.next(fast, (1 - rates) * (solution - fast))
    assert np.abs(plain - solution).max() > 2
    assert np.abs(fast - solution).max() < 0.2


def test_neighbours_give_a_coarse_alignment() -> None:
    series, truth = shifted()
    before = root_mean_square(without_translation(truth, TILTS))
    after = root_mean_square(without_translation(cumulative_shifts(series) - truth, TILTS))
    assert after < 0.5 * before


def test_projection_matching_aligns() -> None:
    series, truth = shifted()
    found = align_tilts(series, HOW)
    coarse = root_mean_square(without_translation(cumulative_shifts(series) - truth, TILTS))
    error = root_mean_square(without_translation(found.shifts - truth, TILTS))
    assert error < 0.7
    assert error < coarse
    assert found.after < 0.5 * found.before
    aligned = found.applied(series)
    assert aligned.data.shape == series.data.shape
    # What is left over in the aligned series is what the found shifts lack.
    rest = cumulative_shifts(aligned)
    assert root_mean_square(without_translation(rest, TILTS)) < root_mean_square(without_translation(truth, TILTS)) / 2


def test_an_aligned_series_stays_as_it_is() -> None:
    series = simulate_tilts(slab(), TILTS, field=(72, 80))
    found = align_tilts(series, HOW, coarse=False)
    assert root_mean_square(without_translation(found.shifts, TILTS)) < 0.4
    assert found.after < 0.4


def test_an_offset_of_the_axis_is_found() -> None:
    series = simulate_tilts(slab(), TILTS, misalignment=Misalignment.of(len(TILTS), (0.0, 4.0)), field=(72, 80))
    assert Matcher(series, HOW, 2).axis_offset(np.zeros((len(TILTS), 2))) == pytest.approx(4.0, abs=0.7)


@pytest.mark.parametrize("angle", [0.0, 7.0, -83.0])
def test_turn_and_shift_are_applied_by_one_interpolation(angle: float) -> None:
    from cellml.tomography.axis import axis_along_y

    rng = np.random.default_rng(0)
    smooth = banded(rng.normal(size=(3, 60, 60)), Band(0.02, 0.06))
    series = TiltSeries(smooth, np.array([-10.0, 0.0, 10.0]), 1.0, axis_angle=angle)
    shifts = rng.uniform(-3, 3, (3, 2))
    applied = Alignment(shifts, angle, 1.0, 0.0).applied(series)
    from cellml.tomography.misalignment import realigned

    twice = realigned(axis_along_y(series), Misalignment.of(3, shifts))
    inner = (slice(None), slice(15, -15), slice(15, -15))
    np.testing.assert_allclose(applied.data[inner], twice.data[inner], atol=0.02 * np.abs(smooth).max())
    assert applied.axis_angle == 0


@pytest.mark.slow
def test_the_axis_is_searched() -> None:
    series, _ = shifted()
    turned = misaligned(series, Misalignment.of(len(TILTS), 0.0, 4.0))
    assert align_tilts(turned, HOW, search_axis=8.0).axis_angle == pytest.approx(4.0, abs=0.5)


def test_a_specimen_has_a_thickness_within_the_field_of_view() -> None:
    for thickness in (0, -3):
        with pytest.raises(CellmlError, match=f"thickness={thickness} must be at least 1 pixel"):
            ProjectionMatching(thickness=thickness)
    assert ProjectionMatching(thickness=60).depth(60) == 60
    with pytest.raises(CellmlError, match="more than the field of view, 60 pixels"):
        ProjectionMatching(thickness=61).depth(60)


@pytest.mark.parametrize("search", [-5.0, 120.0, float("nan")])
def test_the_axis_is_searched_within_bounds(search: float) -> None:
    with pytest.raises(CellmlError, match="search_axis=.* must lie between 0 and 90 degrees"):
        align_tilts(shifted()[0], search_axis=search)


def test_levels_halve_the_binning() -> None:
    assert ProjectionMatching().levels((512, 600)) == [8, 4, 2]
    assert ProjectionMatching(finest=1).levels((100, 100)) == [2, 1]
    assert ProjectionMatching().levels((50, 50)) == [2]
    with pytest.raises(CellmlError, match="at least 1; got 0"):
        ProjectionMatching(iterations=0)


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    series, _ = shifted()
    write_tilts(series, tmp_path / "cell.st")
    words = ["thickness=20", "iterations=2", f"shifts={tmp_path}/shifts.json"]
    assert main(["align", f"input={tmp_path}/cell.st", f"output={tmp_path}/cell.ali", *words]) == 0
    found = json.loads((tmp_path / "shifts.json").read_text())
    assert found["residual_after_px"] < found["residual_before_px"]
    assert found["axis_by"] in ("consistency", "undetermined")  # a slab that goes on beyond the camera has no centre of mass
    assert ("axis cannot be determined" if found["axis_by"] == "undetermined" else "axis is known to ±") in " ".join(
        capsys.readouterr().out.split()
    )
    assert read_tilts(tmp_path / "cell.ali").tilts.tolist() == TILTS.tolist()


def test_the_verb_refuses_an_axis_off_by_90_degrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    series, _ = shifted()
    write_tilts(replace(series, data=np.ascontiguousarray(series.data.swapaxes(1, 2))), tmp_path / "cell.st")
    assert main(["align", f"input={tmp_path}/cell.st", f"output={tmp_path}/cell.ali"]) == 2
    assert "off by 90°" in capsys.readouterr().err
    assert not (tmp_path / "cell.ali").exists()


def test_the_verb_says_that_angles_were_interchanged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    series, _ = shifted()
    write_tilts(replace(series, angles=np.random.default_rng(0).permutation(series.angles)), tmp_path / "cell.st")
    words = ["thickness=20", "iterations=1", "finest=4", "check_axis=false"]
    assert main(["align", f"input={tmp_path}/cell.st", f"output={tmp_path}/cell.ali", *words]) == 0
    assert "seem not to stand in the order of its projections" in capsys.readouterr().out
