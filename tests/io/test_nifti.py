from __future__ import annotations

import logging
from pathlib import Path

import nibabel
import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import read_volume, write_volume
from cellml.types import Volume

DATA = np.arange(24, dtype=np.int16).reshape(2, 3, 4)  # (x, y, z) in the file


def _write(path: Path, affine: np.ndarray, unit: str, data: np.ndarray = DATA) -> None:
    image = nibabel.Nifti1Image(data, affine)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1e6), ("micron", 1e3), ("meter", 1e9)])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_axes_turn_and_lengths_become_nm(tmp_path: Path, unit: str, factor: float, suffix: str) -> None:
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = (10.0, 20.0, 30.0)
    _write(tmp_path / f"a{suffix}", affine, unit)
    volume = read_volume(tmp_path / f"a{suffix}")
    assert np.array_equal(volume.data, DATA.T)
    assert volume.spacing == (3 * factor, 2 * factor, 1 * factor)
    assert volume.origin == (30 * factor, 20 * factor, 10 * factor)


def test_unknown_units_are_missing(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(DATA, np.diag([1.0, 2.0, 3.0, 1.0])), tmp_path / "a.nii")
    with pytest.raises(CellmlError, match=r"'unknown' units.*spacing_nm=\[10,10,10\]"):
        read_volume(tmp_path / "a.nii")


def test_a_mirrored_affine_keeps_the_voxels_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _write(tmp_path / "a.nii", np.diag([-1.0, 2.0, 3.0, 1.0]), "micron")
    with caplog.at_level(logging.WARNING):
        volume = read_volume(tmp_path / "a.nii")
    assert np.array_equal(volume.data, DATA.T)
    assert volume.spacing == (3000.0, 2000.0, 1000.0)
    assert "rotated or mirrored" in caplog.text


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_scaled_values_are_the_values(tmp_path: Path, suffix: str) -> None:
    image = nibabel.Nifti1Image(DATA, np.eye(4))
    image.header.set_xyzt_units("mm")
    image.header.set_slope_inter(0.5, 10)
    path = tmp_path / f"a{suffix}"
    image.to_filename(path)
    expected = np.asarray(nibabel.load(path).dataobj).T
    volume = read_volume(path)
    assert volume.data.dtype == np.float64
    assert np.array_equal(volume.data, expected)
    assert not np.array_equal(expected, np.round(expected)) or expected.dtype.kind == "f"


def test_nibabel_reads_what_is_written(tmp_path: Path) -> None:
    write_volume(Volume(DATA, (30.0, 4.0, 5.0), (1.0, 2.0, 3.0)), tmp_path / "a.nii")
    image = nibabel.load(tmp_path / "a.nii")
    assert image.shape == (4, 3, 2)
    assert image.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(image.header.get_zooms(), (5e-6, 4e-6, 30e-6), rtol=1e-6)
    np.testing.assert_allclose(image.affine[:3, 3], (3e-6, 2e-6, 1e-6), rtol=1e-6)


def test_long_axes_need_nifti_2(tmp_path: Path) -> None:
    data = np.zeros((1, 1, 40000), np.uint8)
    data[..., -1] = 7
    write_volume(Volume(data, (1.0, 1.0, 1.0)), tmp_path / "a.nii")
    assert isinstance(nibabel.load(tmp_path / "a.nii"), nibabel.Nifti2Image)
    assert np.array_equal(read_volume(tmp_path / "a.nii").data, data)


def test_a_packed_file_is_known_from_an_unpacked(tmp_path: Path) -> None:
    write_volume(Volume(DATA, (1.0, 1.0, 1.0)), tmp_path / "a.nii.gz")
    (tmp_path / "a.nii.gz").rename(tmp_path / "b.nii")
    with pytest.raises(FileError, match="first bytes are those of gzip"):
        read_volume(tmp_path / "b.nii")
