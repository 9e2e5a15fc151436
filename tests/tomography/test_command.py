"""The verb reconstruct: files in, files out, in slabs, with what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cellml.cli import main
from cellml.errors import CellmlError
from cellml.io import read_volume, write_tilts
from cellml.tomography.command import reconstruct_file
from cellml.tomography.halves import split_halves
from cellml.tomography.simulate import simulate_tilts
from cellml.tomography.sirt import sirt
from cellml.tomography.wbp import wbp
from cellml.types import TiltSeries, Volume

SIRT = {"_target_": "cellml.tomography.sirt.Sirt", "iterations": 3}


@pytest.fixture
def tilts(tmp_path: Path) -> tuple[Path, TiltSeries]:
    rng = np.random.default_rng(0)
    series = TiltSeries(rng.random((9, 12, 20), np.float32), np.linspace(-48, 48, 9), 1.5, name="tilts")
    write_tilts(series, tmp_path / "tilts.mrc")
    return tmp_path / "tilts.mrc", series


def test_the_file_holds_what_the_function_returns(tilts: tuple[Path, TiltSeries], tmp_path: Path) -> None:
    path, series = tilts
    found = reconstruct_file(str(path), str(tmp_path / "volume.mrc"), method=SIRT, thickness=10, rows=5)
    volume = read_volume(tmp_path / "volume.mrc")
    assert found["shape"] == [10, 12, 20] and volume.spacing == pytest.approx((1.5, 1.5, 1.5))
    assert np.allclose(volume.data, sirt(series, 10, iterations=3).data, atol=1e-5)


def test_the_command_of_the_manual(tilts: tuple[Path, TiltSeries], tmp_path: Path) -> None:
    path, series = tilts
    assert main(["reconstruct", f"input={path}", f"output={tmp_path / 'volume.mrc'}", "method=wbp", "thickness_nm=12"]) == 0
    assert np.allclose(read_volume(tmp_path / "volume.mrc").data, wbp(series, 8).data, atol=1e-5)


def test_halves_are_those_of_the_series_without_what_was_excluded(tilts: tuple[Path, TiltSeries], tmp_path: Path) -> None:
    path, series = tilts
    kept = [n for n in range(9) if n not in (0, 4)]
    rest = TiltSeries(series.data[kept], series.angles[kept], 1.5)
    for half, expected in zip(("even", "odd"), split_halves(rest), strict=True):
        reconstruct_file(str(path), str(tmp_path / "half.mrc"), method=SIRT, thickness=10, exclude=[0, 4], half=half)
        assert np.allclose(read_volume(tmp_path / "half.mrc").data, sirt(expected, 10, iterations=3).data, atol=1e-5)


def test_images_whose_axis_lies_along_x_are_turned(tilts: tuple[Path, TiltSeries], tmp_path: Path) -> None:
    _, series = tilts
    lying = TiltSeries(np.rot90(series.data, -1, axes=(1, 2)).copy(), series.angles, 1.5, axis_angle=90.0)
    write_tilts(lying, tmp_path / "lying.mrc")
    reconstruct_file(str(tmp_path / "lying.mrc"), str(tmp_path / "volume.mrc"), method=SIRT, thickness=10, rows=5)
    assert np.allclose(read_volume(tmp_path / "volume.mrc").data, sirt(series, 10, iterations=3).data, atol=1e-5)


def test_the_remedy_of_a_wrong_axis_counts_from_the_recorded_images(tmp_path: Path, caplog) -> None:
    """A series whose axis is along Y, said to be along X: the remedy is not the angle that was given."""
    blobs = gaussian_filter(np.random.default_rng(0).normal(size=(16, 40, 40)), 1.5).astype(np.float32)
    write_tilts(simulate_tilts(Volume(blobs, (1.0,) * 3), np.arange(-60, 61, 6.0)), tmp_path / "y.st")
    with caplog.at_level("WARNING", logger="cellml"):
        reconstruct_file(str(tmp_path / "y.st"), str(tmp_path / "v.mrc"), method=SIRT, thickness=4, axis_angle=90.0)
    assert "sums across it at 90°" in caplog.text
    assert "Give axis_angle=-180, or 0" in caplog.text


def test_without_a_thickness_half_the_width_is_taken_and_said(tilts: tuple[Path, TiltSeries], tmp_path: Path, caplog) -> None:
    found = reconstruct_file(str(tilts[0]), str(tmp_path / "volume.mrc"), method=SIRT)
    assert found["thickness"] == 10 and "half the width" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thickness": 5, "half": "left"}, "neither 'even'"),
        ({"thickness": 30}, "thicker than the field of view"),
        ({"thickness": 5, "thickness_nm": 9.0}, "not both"),
        ({"thickness_nm": 0.1}, "less than one voxel"),
        ({"method": None}, "Choose a method: method=.*wbp"),
        ({"device": "tpu"}, "device=tpu"),
        ({"rows": 0}, "at least 1 row"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_written(
    tilts: tuple[Path, TiltSeries], tmp_path: Path, options: dict, message: str
) -> None:
    with pytest.raises(CellmlError, match=message):
        reconstruct_file(str(tilts[0]), str(tmp_path / "volume.mrc"), **({"method": SIRT} | options))
    assert not (tmp_path / "volume.mrc").exists()


def test_input_is_not_overwritten(tilts: tuple[Path, TiltSeries]) -> None:
    with pytest.raises(CellmlError, match="would replace the input"):
        reconstruct_file(str(tilts[0]), str(tilts[0]), method=SIRT)
