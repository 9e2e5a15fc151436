from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import open_image, read_labels, read_volume, write_labels, write_volume
from cellml.types import Labels, Volume


def test_shared_names_are_found_without_being_named(tmp_path: Path) -> None:
    path = tmp_path / "block.npz"
    np.savez_compressed(
        path, raw=np.zeros((2, 3, 4), np.uint8), labels=np.ones((2, 3, 4), np.uint16), mito=np.ones((2, 3, 4)), voxel_nm=[4.0, 3.0, 2.0]
    )
    assert read_volume(path).data.max() == 0
    assert read_labels(path).data.max() == 1
    assert read_labels(f"{path}:mito").spacing == (4.0, 3.0, 2.0)
    assert read_labels(f"{path}:mito").name == "mito"


def test_names_that_are_not_there_are_answered_with_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "block.npz"
    np.savez(path, raw=np.zeros((2, 3, 4), np.uint8), neurons=np.ones((2, 3, 4), np.uint16), voxel_nm=[4.0, 3.0, 2.0])
    with pytest.raises(FileError, match=r"has no array 'mito'; it has: neurons, raw"):
        read_labels(f"{path}:mito")
    with pytest.raises(FileError, match=r"has no array 'labels'; it has: neurons, raw. Name one, as in block\.npz:neurons"):
        read_labels(path)


def test_an_only_array_needs_no_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", cells=np.ones((2, 3, 4), np.uint16), voxel_nm=[4.0, 3.0, 2.0])
    assert read_labels(tmp_path / "a.npz").shape == (2, 3, 4)
    np.savez(tmp_path / "b.npz", voxel_nm=[4.0, 3.0, 2.0])
    with pytest.raises(FileError, match="it has: no arrays"):
        read_volume(tmp_path / "b.npz")


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (_explode, (str(self.path),))


def _explode(path: str) -> None:
    Path(path).write_text("code was run")


@pytest.mark.parametrize("name", ["raw", "voxel_nm", "cellml"])
def test_pickles_are_refused_and_not_run(tmp_path: Path, name: str) -> None:
    bomb = np.empty(1, object)
    bomb[0] = _Bomb(tmp_path / "exploded")
    arrays = {"raw": np.zeros((2, 3, 4), np.uint8), name: bomb}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(FileError, match=r"pickled|Object arrays|allow_pickle"):
        read_volume(tmp_path / "a.npz")
    assert not (tmp_path / "exploded").exists()


def test_a_false_size_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    header = np.lib.format.header_data_from_array_1_0(np.zeros((2, 2, 2), np.uint8)) | {"shape": (10**6, 10**6, 10**3)}
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("raw.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b"12345678")
    with pytest.raises(FileError, match="is damaged: 'raw' should have 1000000000000"):
        read_volume(tmp_path / "a.npz", spacing_nm=[1, 1, 1])


@pytest.mark.parametrize("order", ["C", "F"])
def test_stored_arrays_are_mapped_and_compressed_ones_loaded(tmp_path: Path, order: str) -> None:
    data = np.asarray(np.random.default_rng(0).random((3, 4, 5)), order=order)  # type: ignore[call-overload]
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", raw=data, voxel_nm=[1.0, 1.0, 1.0])
        with open_image(tmp_path / "a.npz") as source:
            assert isinstance(source._stored.array, np.memmap) == (save is np.savez)
            assert np.array_equal(source.read((slice(1, 2), slice(None), slice(2, 4))), data[1:2, :, 2:4])


def test_numpy_reads_what_is_written(tmp_path: Path) -> None:
    labels = Labels(np.arange(24).reshape(2, 3, 4), (4.0, 3.0, 2.0), (1.0, 0.0, 0.0), names={3: "µ"})
    write_labels(labels, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert np.array_equal(archive["labels"], labels.data)
        assert archive["voxel_nm"].tolist() == [4.0, 3.0, 2.0]
        assert archive["origin_nm"].tolist() == [1.0, 0.0, 0.0]
        assert json.loads(str(archive["cellml"]))["labels"]["names"] == {"3": "µ"}
    assert zipfile.ZipFile(tmp_path / "a.npz").testzip() is None


def test_arrays_of_one_file_share_one_frame(tmp_path: Path) -> None:
    volume = Volume(np.zeros((2, 3, 4), np.uint8), (4.0, 3.0, 2.0))
    write_volume(volume, f"{tmp_path}/a.npz:raw")
    before = (tmp_path / "a.npz").read_bytes()
    with pytest.raises(FileError, match=r"has voxel_nm \[4\.0, 3\.0, 2\.0\] for all its arrays, but 'more' has \[1\.0, 1\.0, 1\.0\]"):
        write_volume(Volume(volume.data, (1.0, 1.0, 1.0)), f"{tmp_path}/a.npz:more")
    assert (tmp_path / "a.npz").read_bytes() == before


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path) -> None:
    volume = Volume(np.arange(24).reshape(2, 3, 4), (4.0, 3.0, 2.0))
    write_volume(volume, tmp_path / "a.npz")
    write_volume(volume, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("voxel", [[0.0, 1.0, 1.0], [1.0, 1.0], [np.nan] * 3, "nm"])
def test_a_senseless_voxel_size_counts_as_missing(tmp_path: Path, voxel: object) -> None:
    np.savez(tmp_path / "a.npz", raw=np.zeros((2, 3, 4), np.uint8), voxel_nm=voxel)
    with pytest.raises(CellmlError, match=r"its voxel_nm is .*spacing_nm=\[10,10,10\]"):
        read_volume(tmp_path / "a.npz")
