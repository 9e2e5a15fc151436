from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import create_array, open_image, read_labels, read_volume, write_labels
from cellml.types import Labels

DATA = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def _write(path: Path, name: str = "raw", data: Any = DATA, **attributes: Any) -> None:
    with h5py.File(path, "a") as file:
        file[name] = data
        file[name].attrs.update(attributes)


@pytest.mark.parametrize(
    ("name", "value"), [("voxel_nm", [30.0, 4.0, 4.5]), ("resolution", [30.0, 4.0, 4.5]), ("element_size_um", [0.03, 0.004, 0.0045])]
)
def test_voxel_sizes_under_the_names_in_use(tmp_path: Path, name: str, value: list[float]) -> None:
    _write(tmp_path / "a.h5", "volumes/raw", **{name: value, "offset": [3.0, 2.0, 1.0]})
    volume = read_volume(f"{tmp_path}/a.h5:/volumes/raw")
    np.testing.assert_allclose(volume.spacing, (30.0, 4.0, 4.5))
    assert volume.origin == (3.0, 2.0, 1.0)


def test_voxel_sizes_of_the_group_and_beside_the_array(tmp_path: Path) -> None:
    _write(tmp_path / "a.h5", "volumes/raw")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["volumes"].attrs["resolution"] = [3.0, 2.0, 1.0]
    assert read_volume(tmp_path / "a.h5").spacing == (3.0, 2.0, 1.0)
    _write(tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5", "a") as file:
        file["voxel_nm"] = [6.0, 5.0, 4.0]
    assert read_volume(tmp_path / "b.h5").spacing == (6.0, 5.0, 4.0)


def test_what_is_there_is_listed(tmp_path: Path) -> None:
    _write(tmp_path / "a.h5", "volumes/em")
    _write(tmp_path / "a.h5", "volumes/cells")
    _write(tmp_path / "a.h5", "note", data="text")
    with pytest.raises(FileError, match=r"has no array 'volumes/raw'; it has: volumes/cells, volumes/em\."):
        read_volume(f"{tmp_path}/a.h5:/volumes/raw")
    with pytest.raises(FileError, match=r"has no array 'labels'; it has: .*Name one, as in a\.h5:volumes/cells"):
        read_labels(tmp_path / "a.h5")


@pytest.mark.parametrize("value", [[0.0, 1.0, 1.0], [1.0, 1.0], "nm"])
def test_a_senseless_voxel_size_counts_as_missing(tmp_path: Path, value: Any) -> None:
    _write(tmp_path / "a.h5", resolution=value)
    with pytest.raises(CellmlError, match=r"its attribute resolution is .*spacing_nm="):
        read_volume(tmp_path / "a.h5")


@pytest.mark.parametrize("how", ["axes", "axistags", "dims"])
def test_axes_that_the_file_names(tmp_path: Path, how: str) -> None:
    _write(tmp_path / "a.h5", data=DATA[..., None], voxel_nm=[3.0, 2.0, 1.0])
    with h5py.File(tmp_path / "a.h5", "a") as file:
        if how == "axes":
            file["raw"].attrs["axes"] = "zyxc"
        elif how == "axistags":
            file["raw"].attrs["axistags"] = json.dumps({"axes": [{"key": key} for key in "zyxc"]})
        else:
            for dim, letter in zip(file["raw"].dims, "zyxc", strict=True):
                dim.label = letter
    assert np.array_equal(read_volume(tmp_path / "a.h5").data, DATA)


def test_names_of_many_labels_exceed_an_old_attribute(tmp_path: Path) -> None:
    names = {number: f"a rather long name for neurite {number}" for number in range(1, 5000)}
    write_labels(Labels(DATA, (3.0, 2.0, 1.0), names=names), tmp_path / "a.h5")
    assert dict(read_labels(tmp_path / "a.h5").names) == names


def test_a_group_is_no_array(tmp_path: Path) -> None:
    _write(tmp_path / "a.h5", "volumes/raw", voxel_nm=[1.0, 1.0, 1.0])
    for name in ("volumes", "volumes/raw/more"):
        with pytest.raises(FileError, match="exists and is of another kind"):
            create_array(f"{tmp_path}/a.h5:{name}", shape=(1, 1, 1), dtype=np.uint8, spacing=(1, 1, 1))


def test_h5py_reads_what_is_written(tmp_path: Path) -> None:
    write_labels(Labels(DATA, (3.0, 2.0, 1.0)), f"{tmp_path}/a.h5:/cells/mito")
    with h5py.File(tmp_path / "a.h5") as file:
        assert np.array_equal(file["cells/mito"][()], DATA)
        assert file["cells/mito"].attrs["voxel_nm"].tolist() == [3.0, 2.0, 1.0]
        assert file["cells/mito"].compression == "gzip"


def test_only_the_region_is_read(tmp_path: Path) -> None:
    _write(tmp_path / "a.h5", voxel_nm=[1.0, 1.0, 1.0])
    with open_image(tmp_path / "a.h5") as source:
        assert isinstance(source._stored.array, h5py.Dataset)
