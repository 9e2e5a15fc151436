"""Round trips through every format."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.errors import CellmlError, FileError
from cellml.io import read_labels, read_volume, write_labels, write_volume
from cellml.types import Labels, Volume

# Relative tolerance of lengths: text and binary doubles are exact, ImageJ's ratio holds nine digits, MRC and NIfTI keep float32.
LENGTHS = {".tif": 1e-8, ".mrc": 1e-6, ".nii": 1e-6, ".nii.gz": 1e-6}
AXES = {".mrc": ("ZYX", "TZYX"), "/": ("ZYX",)}
NUMBERS = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")


@st.composite
def volumes(draw: st.DrawFn, axes: tuple[str, ...]) -> Volume:
    order = draw(st.sampled_from(axes))
    dtype = np.dtype(draw(st.sampled_from(NUMBERS)))
    shape = tuple(draw(st.integers(1, 5)) for _ in order)
    if dtype.kind == "f":
        elements = st.floats(width=16, allow_nan=True, allow_infinity=True)
    else:
        limits = np.iinfo(dtype)
        elements = st.integers(max(int(limits.min), -30000), min(int(limits.max), 30000))
    data = draw(hnp.arrays(dtype, shape, elements=elements))
    spacing = tuple(draw(st.floats(0.02, 1e5)) for _ in range(3))
    origin = tuple(draw(st.floats(-1e6, 1e6)) for _ in range(3))
    count = shape[order.index("C")] if "C" in order else 0
    channels = tuple(draw(st.lists(st.text("abcµ 1", min_size=1, max_size=5).map(str.strip).filter(bool), min_size=count, max_size=count)))
    return Volume(data, spacing, origin, axes=order, channels=channels, name="cell µ")  # type: ignore[arg-type]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_volume_survives_every_format(form: str, image_path: Any, data: st.DataObject) -> None:
    volume = data.draw(volumes(AXES.get(form, ("ZYX", "CZYX", "TZYX", "TCZYX"))))
    with tempfile.TemporaryDirectory() as folder:
        path = image_path(Path(folder), form)
        write_volume(volume, path)
        back = read_volume(path)
    assert (back.axes, back.data.shape, back.channels) == (volume.axes, volume.data.shape, volume.channels)
    assert np.array_equal(back.data, volume.data, equal_nan=volume.data.dtype.kind == "f")
    assert back.data.dtype.kind == volume.data.dtype.kind or volume.data.dtype.kind == "u"
    tolerance = LENGTHS.get(form, 1e-13)
    np.testing.assert_allclose(back.spacing, volume.spacing, rtol=tolerance)
    np.testing.assert_allclose(back.origin, volume.origin, rtol=tolerance, atol=1e-6 if form in LENGTHS else 1e-12)


def test_labels_survive_every_format(where: str, labels: Labels) -> None:
    write_labels(labels, where)
    back = read_labels(where)
    assert np.array_equal(back.data, labels.data)
    assert np.issubdtype(back.data.dtype, np.integer)
    np.testing.assert_allclose(back.spacing, labels.spacing, rtol=1e-6)
    if not where.endswith(".mrc"):
        assert (back.kind, dict(back.names)) == ("semantic", {7: "dendrite µ", 12: "axon"})


def test_a_region_moves_the_origin(where: str, volume: Volume) -> None:
    write_volume(volume, where)
    part = read_volume(where, region=(slice(1, 3), slice(2, 6), slice(0, 7)))
    assert np.array_equal(part.data, volume.data[1:3, 2:6])
    np.testing.assert_allclose(part.origin, (-60.0 + 30.0, 8.0 + 2 * 4.0, 9.0), rtol=1e-6)


def test_a_given_voxel_size_goes_before_the_files(where: str, volume: Volume, caplog: pytest.LogCaptureFixture) -> None:
    write_volume(volume, where)
    with caplog.at_level(logging.WARNING):
        assert read_volume(where, spacing_nm=[10, 20, 30]).spacing == (10.0, 20.0, 30.0)
    assert "using the given spacing_nm=[10.0, 20.0, 30.0]" in caplog.text


@pytest.mark.parametrize("bad", [[0, 1, 1], [1, -1, 1], [1, 1, float("nan")], [1, 1], 10, "x", [1, 1, float("inf")]])
def test_an_impossible_voxel_size_is_refused(tmp_path: Path, volume: Volume, bad: object) -> None:
    write_volume(volume, tmp_path / "a.npz")
    with pytest.raises(CellmlError, match=r"three positive numbers .*spacing_nm=\[10,10,10\]"):
        read_volume(tmp_path / "a.npz", spacing_nm=bad)  # type: ignore[arg-type]


def test_whole_numbers_stored_as_floats_are_labels_with_a_warning(where: str, caplog: pytest.LogCaptureFixture) -> None:
    data = np.array([0.0, 1.0, 2.0, 300.0], np.float32).reshape(1, 2, 2)
    write_volume(Volume(data, (1.0, 1.0, 1.0)), where)
    with caplog.at_level(logging.WARNING):
        back = read_labels(where)
    assert back.data.dtype == np.int64
    assert np.array_equal(back.data, data)
    assert "whole numbers" in caplog.text


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf])
def test_fractions_are_no_labels(where: str, value: float) -> None:
    write_volume(Volume(np.full((2, 2, 2), value, np.float32), (1.0, 1.0, 1.0)), where)
    with pytest.raises(CellmlError, match="fractional or non-finite"):
        read_labels(where)


def test_negative_numbers_and_channels_are_no_labels(tmp_path: Path) -> None:
    write_volume(Volume(np.full((2, 2, 2), -1, np.int16), (1.0, 1.0, 1.0)), tmp_path / "a.npz")
    with pytest.raises(CellmlError, match="negative labels"):
        read_labels(tmp_path / "a.npz")
    write_volume(Volume(np.zeros((3, 2, 2, 2), np.uint8), (1.0, 1.0, 1.0), axes="CZYX"), tmp_path / "b.npz")
    with pytest.raises(CellmlError, match="axes CZYX"):
        read_labels(tmp_path / "b.npz")


def test_one_channel_of_labels_is_enough(tmp_path: Path) -> None:
    write_volume(Volume(np.ones((1, 2, 2, 2), np.uint8), (1.0, 1.0, 1.0), axes="CZYX"), tmp_path / "b.npz")
    assert read_labels(tmp_path / "b.npz").shape == (2, 2, 2)


def test_large_label_numbers_go_where_they_fit(tmp_path: Path) -> None:
    data = np.array([0, 2**40 + 1]).reshape(1, 1, 2)
    for name in ("a.npz", "a.h5", "a.zarr", "a.nii"):
        write_labels(Labels(data, (1.0, 1.0, 1.0)), tmp_path / name)
        assert np.array_equal(read_labels(tmp_path / name).data, data)
    for name in ("a.tif", "a.mrc"):
        with pytest.raises(FileError, match=r"run from 0 to 1099511627777; write \.npz"):
            write_labels(Labels(data, (1.0, 1.0, 1.0)), tmp_path / name)
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize(("form", "axes"), [(".mrc", "CZYX"), (".mrc", "TCZYX"), ("/", "CZYX"), ("/", "TZYX")])
def test_axes_without_a_place_are_refused_with_a_remedy(tmp_path: Path, image_path: Any, form: str, axes: str) -> None:
    with pytest.raises(FileError, match=rf"cannot hold the axes {axes}, so .* was not written; write \.ome\.tif"):
        write_volume(Volume(np.zeros((2,) * len(axes), np.uint8), (1.0, 1.0, 1.0), axes=axes), image_path(tmp_path, form))
    assert list(tmp_path.iterdir()) == []
