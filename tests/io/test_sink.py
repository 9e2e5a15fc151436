from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import create_array, read_labels, read_volume, write_volume
from cellml.types import Volume

Contents = Callable[[Path], dict[str, bytes]]
FRAME: dict[str, Any] = {"spacing": (30.0, 4.0, 4.5), "origin": (1.0, 2.0, 3.0)}


def test_blocks_make_the_whole(where: str) -> None:
    truth = np.random.default_rng(0).integers(0, 250, (9, 8, 7)).astype(np.uint8)
    with create_array(where, shape=truth.shape, dtype=np.uint8, **FRAME) as sink:
        for z in range(0, 9, 4):
            for x in (slice(0, 5), slice(5, 7)):
                region = (slice(z, min(z + 4, 9)), slice(0, 8), x)
                sink.write(region, truth[region])
        assert np.array_equal(sink.read(), truth)
        assert np.array_equal(sink.read((slice(3, 6), slice(1, 2), slice(None))), truth[3:6, 1:2])
    assert np.array_equal(read_volume(where).data, truth)


def test_what_is_not_written_is_zero(where: str) -> None:
    with create_array(where, shape=(3, 4, 5), dtype=np.float32, **FRAME) as sink:
        sink.write((slice(1, 2), slice(0, 4), slice(0, 5)), np.ones((1, 4, 5), np.float32))
    assert read_volume(where).data.sum() == 20


@pytest.mark.parametrize("form", [".npz", ".tif", ".ome.tif", ".h5", ".zarr", ".nii"])
def test_a_channel_at_a_time(tmp_path: Path, form: str) -> None:
    truth = np.random.default_rng(0).random((3, 4, 5, 6)).astype(np.float32)
    path = tmp_path / f"a{form}"
    with create_array(path, shape=truth.shape, dtype=np.float32, axes="CZYX", channels=("z", "y", "x"), **FRAME) as sink:
        for channel in range(3):
            sink.write((slice(channel, channel + 1), slice(0, 4), slice(2, 5), slice(None)), truth[channel : channel + 1, :, 2:])
        sink.write((slice(None), slice(0, 2), slice(None)), truth[:, :, :2])
        assert np.array_equal(sink.read((slice(0, 2), slice(0, 2), slice(0, 2))), truth[:, :2, :2, :2])
    assert np.array_equal(read_volume(path).data, truth)
    assert read_volume(path).channels == ("z", "y", "x")


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), CellmlError("y")])
def test_an_exception_leaves_nothing(where: str, tmp_path: Path, contents: Contents, error: BaseException) -> None:
    with pytest.raises(type(error)), create_array(where, shape=(3, 4, 5), dtype=np.uint8, **FRAME) as sink:
        sink.write(None, np.ones((3, 4, 5), np.uint8))
        raise error
    assert contents(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_an_exception_keeps_what_was_there(where: str, tmp_path: Path, contents: Contents, volume: Volume) -> None:
    write_volume(volume, where)
    before = contents(tmp_path)
    with pytest.raises(KeyboardInterrupt), create_array(where, shape=(3, 4, 5), dtype=np.uint8, **FRAME) as sink:
        sink.write(None, np.ones((3, 4, 5), np.uint8))
        raise KeyboardInterrupt
    assert contents(tmp_path) == before


def test_writing_again_replaces(where: str, tmp_path: Path, volume: Volume) -> None:
    write_volume(volume, where)
    write_volume(Volume(volume.data[:2] + 1, (1.0, 2.0, 3.0)), where)
    back = read_volume(where)
    assert np.array_equal(back.data, volume.data[:2] + 1)
    np.testing.assert_allclose(back.spacing, (1.0, 2.0, 3.0), rtol=1e-6)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_block_of_another_shape_is_refused(where: str) -> None:
    with (
        pytest.raises(CellmlError, match=r"shape \(2, 4, 5\) does not fill the region \(3, 4, 5\)"),
        create_array(where, shape=(3, 4, 5), dtype=np.uint8, **FRAME) as sink,
    ):
        sink.write(None, np.ones((2, 4, 5), np.uint8))


def test_a_sink_is_a_context_manager(tmp_path: Path) -> None:
    sink = create_array(tmp_path / "a.npz", shape=(1, 2, 3), dtype=np.uint8, **FRAME)
    with pytest.raises(CellmlError, match="inside `with"):
        sink.write(None, np.zeros((1, 2, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"axes": "XYZ"}, "needs axes"),
        ({"shape": (3, 4)}, "needs axes"),
        ({"shape": (0, 4, 5)}, "positive length"),
        ({"spacing": (0, 1, 1)}, "three positive numbers"),
        ({"origin": (0, float("nan"), 1)}, "three finite numbers"),
        ({"kind": "instance", "dtype": np.float32}, "labels, which are integers"),
        ({"dtype": np.complex64}, "cannot hold complex64"),
    ],
)
def test_impossible_arrays_are_refused_before_anything_is_written(
    tmp_path: Path, form: str, image_path: Any, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(CellmlError, match=said):
        create_array(image_path(tmp_path, form), **{"shape": (3, 4, 5), "dtype": np.uint8, **FRAME, **change})
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="npz has no option version"):
        create_array(tmp_path / "a.npz", shape=(1, 1, 1), dtype=np.uint8, version="0.4", **FRAME)


@pytest.mark.parametrize("form", [".npz", ".h5", ".zarr"])
def test_a_named_array_joins_the_others(tmp_path: Path, form: str, volume: Volume) -> None:
    path = tmp_path / f"a{form}"
    first, second = ("images/raw", "labels/mito") if form == ".zarr" else ("raw", "mito")
    write_volume(volume, f"{path}:{first}")
    for value in (1, 2):
        with create_array(
            f"{path}:{second}", shape=(5, 6, 7), dtype=np.uint32, spacing=volume.spacing, origin=volume.origin, kind="semantic"
        ) as sink:
            sink.write(None, np.full((5, 6, 7), value, np.uint32))
    assert np.array_equal(read_volume(f"{path}:{first}").data, volume.data)
    assert read_labels(f"{path}:{second}").data.max() == 2
    assert read_labels(f"{path}:{second}").kind == "semantic"
    with pytest.raises(FileError, match=f"has no array 'nothing'; it has: .*{first}"):
        read_volume(f"{path}:nothing")


@pytest.mark.parametrize("form", [".npz", ".h5"])
def test_adding_to_a_damaged_file_is_refused(tmp_path: Path, form: str, volume: Volume) -> None:
    path = tmp_path / f"a{form}"
    write_volume(volume, path)
    path.write_bytes(path.read_bytes()[:-100])
    before = path.read_bytes()
    with pytest.raises(FileError, match=r"damaged|truncated"):
        write_volume(volume, f"{path}:more")
    assert path.read_bytes() == before
