from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import open_image, read_volume, write_volume
from cellml.types import Volume


def test_the_frame_is_known_before_voxels_are_read(where: str, volume: Volume) -> None:
    write_volume(volume, where)
    with open_image(where) as source:
        assert (source.axes, source.shape, source.full_shape, source.frames) == ("ZYX", (5, 6, 7), (5, 6, 7), 1)
        assert source.dtype == (np.uint16 if where.endswith(".mrc") else np.uint8)
        np.testing.assert_allclose(source.spacing, volume.spacing, rtol=1e-6)
        np.testing.assert_allclose(source.origin, volume.origin, rtol=1e-6)
        assert source.channels == ()
        assert source.name in ("volume", "cell")


def test_regions_equal_the_whole(where: str, volume: Volume) -> None:
    write_volume(volume, where)
    with open_image(where) as source:
        whole = source.read()
        part = source.read((slice(4, 5), slice(None), slice(3, 6)))
        assert np.array_equal(part, whole[4:5, :, 3:6])
        assert part.flags.writeable
        assert part.dtype.isnative


@pytest.mark.parametrize("region", [(slice(0, 6), slice(None), slice(None)), (slice(None), slice(-2, 3), slice(None)), (slice(None),) * 4])
def test_regions_outside_are_refused(where: str, volume: Volume, region: Any) -> None:
    write_volume(volume, where)
    with open_image(where) as source, pytest.raises(CellmlError, match="region"):
        source.read(region)


@pytest.mark.parametrize("form", [".npz", ".tif", ".ome.tif", ".h5", ".zarr", ".nii", ".nii.gz"])
def test_time_frames_one_by_one(tmp_path: Path, form: str) -> None:
    data = np.arange(2 * 3 * 4 * 5 * 6, dtype=np.uint16).reshape(2, 3, 4, 5, 6)
    path = tmp_path / f"a{form}"
    write_volume(Volume(data, (3.0, 2.0, 1.0), axes="TCZYX", channels=("a", "b", "c")), path)
    with open_image(path) as source:
        assert (source.axes, source.shape, source.full_shape, source.frames) == ("TCZYX", (4, 5, 6), (2, 3, 4, 5, 6), 2)
        assert source.channels == ("a", "b", "c")
        region = (slice(1, 3), slice(0, 5), slice(2, 3))
        assert np.array_equal(source.read(region, frame=1), data[1, :, 1:3, :, 2:3])
        assert np.array_equal(source.read(region), data[:, :, 1:3, :, 2:3])
        with pytest.raises(CellmlError, match="2 time frames, numbered from 0; there is no frame 2"):
            source.read(frame=2)


def test_frame_zero_of_a_still_image_is_the_image(tmp_path: Path, volume: Volume) -> None:
    write_volume(volume, tmp_path / "a.npz")
    with open_image(tmp_path / "a.npz") as source:
        assert np.array_equal(source.read(frame=0), volume.data)


@pytest.mark.parametrize("axes", ["XYZ", "YXZ", "xzy"])
def test_stored_axes_can_be_named(tmp_path: Path, axes: str) -> None:
    data = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.savez(tmp_path / "a.npz", raw=data, voxel_nm=[3.0, 2.0, 1.0])
    volume = read_volume(tmp_path / "a.npz", axes=axes)
    expected = data.transpose([axes.upper().index(axis) for axis in "ZYX"])
    assert volume.axes == "ZYX"
    assert volume.spacing == (3.0, 2.0, 1.0)
    assert np.array_equal(volume.data, expected)


def test_four_dimensions_without_names_are_asked_about(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", raw=np.zeros((2, 3, 4, 5), np.uint8), voxel_nm=[1.0, 1.0, 1.0])
    with pytest.raises(CellmlError, match=r"axes of .*a\.npz are not stated and its shape is \(2, 3, 4, 5\).* axes=CZYX"):
        open_image(tmp_path / "a.npz")
    assert read_volume(tmp_path / "a.npz", axes="CZYX").channels == ("channel 0", "channel 1")


@pytest.mark.parametrize("axes", ["ZYQ", "ZZYX", "ZX", "CYX", "", "TCZYXA"])
def test_unknown_axes_are_refused(tmp_path: Path, axes: str) -> None:
    np.savez(tmp_path / "a.npz", raw=np.zeros((2, 3, 4), np.uint8), voxel_nm=[1.0, 1.0, 1.0])
    with pytest.raises(CellmlError, match="is not an order that cellml knows"):
        open_image(tmp_path / "a.npz", axes=axes)


def test_too_many_axes_are_refused_with_the_shape(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", raw=np.zeros((2, 3, 4), np.uint8), voxel_nm=[1.0, 1.0, 1.0])
    with pytest.raises(CellmlError, match=r"names 4 dimensions, but .* has 3: its shape is \(2, 3, 4\)"):
        open_image(tmp_path / "a.npz", axes="CZYX")


def test_axes_of_length_one_need_no_letter(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", raw=np.arange(24).reshape(1, 2, 1, 3, 4), voxel_nm=[1.0, 1.0, 1.0])
    volume = read_volume(tmp_path / "a.npz", axes="ZYX")
    assert np.array_equal(volume.data, np.arange(24).reshape(2, 3, 4))


def _write_2d(path: Path, image: np.ndarray) -> None:
    """One 2D image by each format's own library."""
    import h5py
    import mrcfile
    import nibabel
    import tifffile
    import zarr

    name = path.name
    if name.endswith(".npz"):
        np.savez(path, raw=image)
    elif name.endswith(".tif"):
        tifffile.imwrite(path, image)
    elif name.endswith(".mrc"):
        mrcfile.write(path, image)
    elif name.endswith(".h5"):
        with h5py.File(path, "w") as file:
            file["raw"] = image
    elif name.endswith(".zarr"):
        zarr.create_array(path, data=image)
    else:
        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), path)


@pytest.mark.parametrize("name", ["a.npz", "a.tif", "a.ome.tif", "a.mrc", "a.h5", "a.zarr", "a.nii", "a.nii.gz"])
def test_a_2d_image_says_how_to_make_it_a_volume(tmp_path: Path, name: str) -> None:
    image = np.arange(20, dtype=np.uint16).reshape(4, 5)
    _write_2d(tmp_path / name, image)
    with pytest.raises(CellmlError, match=r"is a 2D image of shape .*shape \(1, Y, X\) .*spacing_nm=\[50,4,4\].*folder"):
        read_volume(tmp_path / name, spacing_nm=[50, 4, 4])
    axes = "XY" if ".nii" in name else "YX"
    volume = read_volume(tmp_path / name, spacing_nm=[50, 4, 4], axes=axes)
    assert np.array_equal(volume.data, (image.T if ".nii" in name else image)[None])


def test_numbers_that_are_no_image_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", raw=np.zeros((2, 3, 4), complex), voxel_nm=[1.0, 1.0, 1.0])
    with pytest.raises(FileError, match="complex128 values"):
        open_image(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", raw=np.zeros((0, 3, 4)), voxel_nm=[1.0, 1.0, 1.0])
    with pytest.raises(FileError, match=r"no voxels: its shape is \(0, 3, 4\)"):
        open_image(tmp_path / "b.npz")


def test_big_endian_voxels_come_back_native(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", raw=np.arange(8, dtype=">u2").reshape(2, 2, 2), voxel_nm=[1.0, 1.0, 1.0])
    volume = read_volume(tmp_path / "a.npz")
    assert volume.data.dtype == np.dtype("=u2")
    assert volume.data[1, 1, 1] == 7


def test_closing_closes(tmp_path: Path, volume: Volume, entries: Callable[[Path], list[str]]) -> None:
    write_volume(volume, tmp_path / "a.h5")
    source = open_image(tmp_path / "a.h5")
    source.close()
    with pytest.raises(CellmlError):
        source.read()
    assert entries(tmp_path) == ["a.h5"]
