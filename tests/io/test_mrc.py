from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import open_image, read_volume, write_volume
from cellml.types import Volume

SUFFIXES = (".mrc", ".map", ".rec", ".st", ".ali")
MODES = {0: np.int8, 1: np.int16, 2: np.float32, 6: np.uint16, 12: np.float16}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_and_suffix(tmp_path: Path, suffix: str, mode: int) -> None:
    data = np.arange(60).reshape(3, 4, 5).astype(MODES[mode])
    path = tmp_path / f"a{suffix}"
    with mrcfile.new(path, data=data) as mrc:
        mrc.voxel_size = (13.52, 13.53, 200.0)
        assert int(mrc.header.mode) == mode
    volume = read_volume(path)
    assert volume.data.dtype == data.dtype
    assert np.array_equal(volume.data, data)
    assert volume.spacing == (20.0, 1.353, 1.352)
    write_volume(volume, path)
    with mrcfile.open(path) as mrc:
        assert int(mrc.header.mode) == mode
        assert mrc.is_volume()
        np.testing.assert_allclose(mrc.voxel_size.z, 200.0)


@pytest.mark.parametrize("size", [0.0, (0.0, 10.0, 10.0), (10.0, 10.0, -1.0)])
def test_a_voxel_size_of_zero_is_missing(tmp_path: Path, size: object) -> None:
    with mrcfile.new(tmp_path / "a.mrc", data=np.zeros((3, 4, 5), np.int16)) as mrc:
        mrc.voxel_size = size
    with pytest.raises(CellmlError, match=r"its MRC header gives .* Å .*spacing_nm=\[10,10,10\]"):
        read_volume(tmp_path / "a.mrc")


@pytest.mark.parametrize(("data", "mode"), [(np.zeros((3, 4, 5), np.complex64), 4)])
def test_complex_modes_are_refused(tmp_path: Path, data: np.ndarray, mode: int) -> None:
    mrcfile.write(tmp_path / "a.mrc", data, voxel_size=10)
    with pytest.raises(FileError, match=f"has MRC mode {mode}; cellml reads the modes 0, 1, 2, 6 and 12"):
        read_volume(tmp_path / "a.mrc")


def test_axes_follow_the_axis_numbers(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    with mrcfile.new(tmp_path / "a.mrc", data=data) as mrc:
        mrc.set_volume()
        mrc.header.mapc, mrc.header.mapr, mrc.header.maps = 3, 1, 2  # columns along z, rows along x, sections along y
        mrc.header.mx, mrc.header.my, mrc.header.mz = 3, 2, 4
        mrc.voxel_size = (10.0, 20.0, 30.0)
        mrc.header.nxstart, mrc.header.nystart, mrc.header.nzstart = 5, 6, 7
    volume = read_volume(tmp_path / "a.mrc")
    assert np.array_equal(volume.data, data.transpose(2, 0, 1))
    assert volume.spacing == (3.0, 2.0, 1.0)
    assert volume.origin == (5 * 3.0, 7 * 2.0, 6 * 1.0)


def test_unsigned_bytes_of_imod(tmp_path: Path) -> None:
    with mrcfile.new(tmp_path / "a.rec", data=np.array([[[-1, 1], [2, -128]]], np.int8)) as mrc:
        mrc.set_volume()
        mrc.voxel_size = 10
        extra = np.frombuffer(bytes(mrc.header.extra2), np.uint8).copy()
        extra[40:48] = np.array([1146047817, 0], "<i4").view(np.uint8)
        mrc.header.extra2 = extra.tobytes()
    assert read_volume(tmp_path / "a.rec").data.tolist() == [[[255, 1], [2, 128]]]


def test_the_origin_field_is_read_in_nm(tmp_path: Path) -> None:
    with mrcfile.new(tmp_path / "a.mrc", data=np.zeros((3, 4, 5), np.int16)) as mrc:
        mrc.voxel_size = 10
        mrc.header.origin = (100.0, 200.0, -300.0)
    assert read_volume(tmp_path / "a.mrc").origin == (-30.0, 20.0, 10.0)


def test_statistics_stand_in_the_header(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(5, 2, (4, 5, 6)).astype(np.float32)
    write_volume(Volume(data, (1.0, 1.0, 1.0)), tmp_path / "a.mrc")
    with mrcfile.open(tmp_path / "a.mrc") as mrc:
        found = [float(mrc.header[key]) for key in ("dmin", "dmax", "dmean", "rms")]
        assert mrcfile.validate(tmp_path / "a.mrc")
    np.testing.assert_allclose(found, [data.min(), data.max(), data.mean(), data.std()], rtol=1e-5)


def test_images_are_mapped(tmp_path: Path) -> None:
    write_volume(Volume(np.zeros((2, 3, 4), np.float32), (1.0, 1.0, 1.0)), tmp_path / "a.mrc")
    with open_image(tmp_path / "a.mrc") as source:
        assert isinstance(source._stored.array, np.memmap)
