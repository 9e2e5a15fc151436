"""Levels of a multiscale image against slow twins, and read back by cellml itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellml.io import open_image, read_labels, read_volume, write_labels, write_volume
from cellml.types import Labels, Volume
from cellml.viewing import pyramid
from cellml.viewing.pyramid import contrast, level_factors, reduced, steps, write_pyramid


def test_isotropic_voxels_are_halved_together_until_small() -> None:
    assert level_factors((200, 300, 64), (10, 10, 10)) == [(1, 1, 1), (2, 2, 1), (4, 4, 1), (4, 8, 1)]
    assert level_factors((64, 64, 10), (5, 5, 5)) == [(1, 1, 1)]


def test_sections_are_halved_only_when_pixels_have_caught_up() -> None:
    factors = level_factors((100, 1000, 1000), (40, 5, 5))
    assert factors[:4] == [(1, 1, 1), (1, 2, 2), (1, 4, 4), (1, 8, 8)]
    assert steps(factors)[3] == (2, 2, 2)


@given(arrays(np.uint16, (3, 4, 5), elements=st.integers(0, 3)), st.sampled_from([(1, 2, 2), (2, 2, 2), (2, 1, 1), (1, 1, 1)]))
@settings(max_examples=40, deadline=None)
def test_majority_and_mean_equal_their_twins(block: np.ndarray, step: tuple[int, int, int]) -> None:
    padded = np.pad(block, [(0, -n % s) for n, s in zip(block.shape, step, strict=True)], mode="edge")
    votes, means = (reduced(block, step, how) for how in ("majority", "mean"))
    assert votes.shape == means.shape == tuple(-(-n // s) for n, s in zip(block.shape, step, strict=True))
    for place in np.ndindex(votes.shape):
        cell = padded[tuple(slice(p * s, (p + 1) * s) for p, s in zip(place, step, strict=True))].ravel().tolist()
        assert votes[place] == max(cell, key=lambda value: (cell.count(value), -cell.index(value)))
        assert means[place] == np.rint(np.mean(cell))


@pytest.fixture
def image() -> Volume:
    data = np.random.default_rng(0).integers(0, 255, (70, 130, 90)).astype(np.uint8)
    return Volume(data, (20.0, 10.0, 10.0), (100.0, 50.0, 0.0), name="tissue")


def test_levels_lie_where_the_image_is(image: Volume, tmp_path: Path) -> None:
    write_volume(image, tmp_path / "image.npz")
    with open_image(tmp_path / "image.npz") as source:
        factors = write_pyramid(source, tmp_path / "image.zarr")
    assert factors == [(1, 1, 1), (1, 2, 2), (2, 4, 2)]
    back = read_volume(tmp_path / "image.zarr")
    np.testing.assert_array_equal(back.data, image.data)
    assert back.spacing == image.spacing and back.origin == image.origin and back.name == "tissue"
    coarse = read_volume(f"{tmp_path / 'image.zarr'}:1")
    np.testing.assert_array_equal(coarse.data, reduced(image.data, (1, 2, 2), "mean"))
    assert coarse.spacing == (20.0, 20.0, 20.0) and coarse.origin == (100.0, 55.0, 5.0), "a coarse voxel lies between its fine ones"


@pytest.mark.parametrize("kind", ["image", "labels", "channels"])
def test_memory_is_bounded_however_wide_sections_are(kind: str, image: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.stack([image.data, image.data[::-1]]) if kind == "channels" else image.data
    write_volume(Volume(data, image.spacing, axes="CZYX" if kind == "channels" else "ZYX"), tmp_path / "image.npz")
    blocks: list[int] = []

    def written(store: str) -> None:
        with open_image(tmp_path / "image.npz") as source:
            read = source.read
            monkeypatch.setattr(source, "read", lambda *args, **more: blocks.append((found := read(*args, **more)).nbytes) or found)
            write_pyramid(source, tmp_path / store, labels=kind == "labels")

    written("whole.zarr")
    assert max(blocks) == data[..., :64, :, :].nbytes
    blocks.clear()
    monkeypatch.setattr(pyramid, "_BLOCK", 1)
    written("parts.zarr")
    assert max(blocks) == data[..., :64, :64, :].nbytes and len(blocks) == 2 * 3
    for level in ("0", "1", "2"):
        whole, parts = (zarr.open_group(tmp_path / store, mode="r")[level][:] for store in ("whole.zarr", "parts.zarr"))
        np.testing.assert_array_equal(whole, parts)


def test_contrast_of_large_sections_comes_from_their_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.zeros((1, 9, 10), np.float32)
    data[0, 3:6] = np.linspace(1, 2, 30).reshape(3, 10)
    write_volume(Volume(data, (1.0, 1.0, 1.0)), tmp_path / "a.npz")
    monkeypatch.setattr(pyramid, "_SEEN", 30)
    with open_image(tmp_path / "a.npz") as source:
        low, high, largest = contrast(source)
    assert 1.0 <= low < high <= 2.0 and largest == 2.0


def test_labels_keep_their_numbers(tmp_path: Path) -> None:
    data = np.kron(np.array([[[0, 2**40]], [[7, 3]]]), np.ones((50, 70, 50), int))
    write_labels(Labels(data, (8.0, 8.0, 8.0), names={7: "soma"}), tmp_path / "labels.npz")
    with open_image(tmp_path / "labels.npz", usual="labels") as source:
        write_pyramid(source, tmp_path / "v.zarr", "labels/objects", labels=True)
    group = zarr.open_group(tmp_path / "v.zarr/labels/objects", mode="r")
    assert set(np.unique(group["1"][:])) == {0, 2**40, 7, 3} and group["1"].dtype == np.uint64
    assert read_labels(f"{tmp_path / 'v.zarr'}:labels/objects").names == {7: "soma"}


def test_voxels_that_nobody_labelled_become_background(tmp_path: Path) -> None:
    np.savez(tmp_path / "l.npz", labels=np.array([[[-1, 3], [3, -1]]], np.int16), voxel_nm=[1.0, 1.0, 1.0])
    with open_image(tmp_path / "l.npz", usual="labels") as source:
        write_pyramid(source, tmp_path / "l.zarr", labels=True)
    assert read_labels(tmp_path / "l.zarr").data.tolist() == [[[0, 3], [3, 0]]]


def test_channels_and_times(tmp_path: Path) -> None:
    data = np.random.default_rng(1).normal(size=(2, 3, 8, 9, 10))
    write_volume(Volume(data, (1.0, 1.0, 1.0), axes="TCZYX", channels=("a", "b", "c")), tmp_path / "many.npz")
    with open_image(tmp_path / "many.npz") as source:
        write_pyramid(source, tmp_path / "many.zarr", frame=1)
        low, high, largest = contrast(source, frame=1)
    back = read_volume(tmp_path / "many.zarr")
    assert back.axes == "CZYX" and back.channels == ("a", "b", "c") and back.data.dtype == np.float32
    np.testing.assert_allclose(back.data, data[1], rtol=1e-6)
    assert low < high < largest
