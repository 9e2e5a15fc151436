from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cellml.data.normalisation import Normalisation
from cellml.errors import CellmlError


def image(data: np.ndarray, axes: str = "ZYX") -> Any:
    def read(region: tuple[slice, ...] | None = None, frame: int | None = None) -> np.ndarray:
        block = data if frame is None else data[frame]
        return block if region is None else block[(..., *region)]

    return SimpleNamespace(shape=data.shape[-3:], dtype=data.dtype, axes=axes, name="cell", read=read)


def test_a_volume_gets_mean_zero_and_deviation_one_whatever_part_is_read() -> None:
    data = np.random.default_rng(0).integers(0, 255, (20, 9, 8)).astype(np.uint8)
    numbers = Normalisation.measure(image(data))
    whole = numbers.apply(data)
    assert whole.shape == (1, 20, 9, 8) and whole.dtype == np.float32
    assert whole.mean() == pytest.approx(0, abs=1e-5) and whole.std() == pytest.approx(1, abs=1e-5)
    assert np.array_equal(numbers.apply(data[3:5, 2:7]), whole[:, 3:5, 2:7])


def test_each_channel_has_its_own_numbers() -> None:
    data = np.random.default_rng(0).normal([[[[5]]], [[[-90]]]], [[[[2]]], [[[40]]]], (2, 12, 8, 8)).astype(np.float32)
    normalised = Normalisation.measure(image(data, "CZYX")).apply(data)
    np.testing.assert_allclose(normalised.mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(normalised.std((1, 2, 3)), 1, atol=1e-4)


def test_each_frame_has_its_own_numbers() -> None:
    data = np.random.default_rng(0).normal(0, 1, (2, 10, 6, 6)).astype(np.float32) * np.array([1, 9])[:, None, None, None]
    for frame in range(2):
        assert Normalisation.measure(image(data, "TZYX"), frame=frame).apply(data[frame]).std() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int8])
def test_the_range_of_an_integer_type_becomes_minus_one_to_one(dtype: type) -> None:
    limits = np.iinfo(dtype)
    data = np.array([limits.min, limits.max], dtype).reshape(2, 1, 1)
    assert Normalisation.measure(image(data), "dtype").apply(data).ravel() == pytest.approx([-1, 1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_voxels_are_refused_in_sections_that_were_measured(bad: float) -> None:
    data = np.random.default_rng(0).random((5, 4, 4), np.float32)
    data[2, 1, 1:3] = bad
    with pytest.raises(
        CellmlError, match="scan.mrc holds 2 NaN or infinite voxels in the 5 of its 5 sections that were looked at.*cellml check"
    ):
        Normalisation.measure(image(data), name="scan.mrc")


def test_nan_voxels_between_the_measured_sections_are_refused_when_read() -> None:
    data = np.random.default_rng(0).random((200, 4, 4), np.float32)
    numbers = Normalisation.measure(image(data), slabs=4, name="scan.mrc")
    data[1, 0, 0] = np.nan
    numbers.apply(data[2:])
    with pytest.raises(CellmlError, match="scan.mrc holds 1 NaN"):
        numbers.apply(data[:3])


@pytest.mark.parametrize("value", [0, 7, 1e-3])
def test_a_constant_image_is_refused_with_its_value(value: float) -> None:
    with pytest.raises(CellmlError, match=f"constant .*{value:g}"):
        Normalisation.measure(image(np.full((6, 5, 4), value, np.float32)))


def test_a_faint_image_on_a_large_offset_is_no_constant() -> None:
    data = 1e6 + np.random.default_rng(0).integers(0, 2, (6, 5, 4)).astype(np.float64)
    assert np.isfinite(Normalisation.measure(image(data)).apply(data)).all()


def test_unknown_methods_and_float_ranges_are_refused() -> None:
    data = np.random.default_rng(0).random((4, 4, 4), np.float32)
    with pytest.raises(CellmlError, match="'patch'; use 'volume' or 'dtype'"):
        Normalisation.measure(image(data), "patch")
    with pytest.raises(CellmlError, match="needs integer voxels.*float32"):
        Normalisation.measure(image(data), "dtype")
