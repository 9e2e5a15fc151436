from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.tomography.axis import axis_along_y
from cellml.tomography.misalignment import Misalignment, misaligned, realigned
from cellml.types import TiltSeries

SIZE = 41


def spots(*places: tuple[float, float, float], count: int = 2) -> TiltSeries:
    """Gaussian spots of given (height, v, u), counted from the middle, on every projection."""
    v, u = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    image = sum(height * np.exp(-((v - y) ** 2 + (u - x) ** 2) / 8) for height, y, x in places)
    data = np.broadcast_to(np.asarray(image, np.float32), (count, SIZE, SIZE))
    return TiltSeries(data, np.arange(count) * 10.0, 1.0)


def test_a_point_goes_where_the_model_says() -> None:
    errors = Misalignment.of(2, [(2.5, -3.0), (0.0, 1.0)], [30.0, 0.0], [1.1, 1.0])
    result = misaligned(spots((1, 8, 3)), errors).data
    angle = np.deg2rad(30)
    # From u towards v, as on paper with v upwards.
    u = 1.1 * (3 * np.cos(angle) - 8 * np.sin(angle)) - 3.0
    v = 1.1 * (3 * np.sin(angle) + 8 * np.cos(angle)) + 2.5
    rows, columns = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    mass = result[0].sum()
    assert (result[0] * rows).sum() / mass == pytest.approx(v, abs=0.02)
    assert (result[0] * columns).sum() / mass == pytest.approx(u, abs=0.02)
    np.testing.assert_allclose(result[1], spots((1, 8, 4)).data[1], atol=1e-20)  # whole pixels are exact


def test_realigning_undoes_it() -> None:
    series = spots((1, 3, 2), (0.5, -4, 6))
    errors = Misalignment.drawn(2, np.random.default_rng(0), shift=3, axis=10, rotation=2, magnification=0.05)
    again = realigned(misaligned(series, errors), errors)
    np.testing.assert_allclose(again.data, series.data, atol=0.02)


def test_shifts_are_those_of_the_projector() -> None:
    import torch

    from cellml.tomography.projector import ParallelProjector

    volume = np.zeros((9, 20, 20), np.float32)
    volume[3:7, 8:12, 7:12] = np.random.default_rng(0).uniform(1, 2, (4, 4, 5))
    shifts = np.array([[2.0, -3.0], [-1.0, 4.0]])
    plain, moved = (ParallelProjector([-20, 30], volume.shape, shifts=s).forward(torch.from_numpy(volume)).numpy() for s in (None, shifts))
    result = misaligned(TiltSeries(plain, np.array([-20.0, 30.0]), 1.0), Misalignment.of(2, shifts))
    np.testing.assert_allclose(result.data, moved, atol=1e-4)


def test_equal_seeds_give_equal_errors_within_bounds() -> None:
    first, second = (Misalignment.drawn(200, np.random.default_rng(4), shift=3, axis=2, rotation=0.5, magnification=0.01) for _ in range(2))
    assert np.array_equal(first.shifts, second.shifts)
    assert 2.5 < np.abs(first.shifts).max() <= 3
    assert 0.9 < np.ptp(first.rotations) <= 1
    assert np.abs(first.magnifications - 1).max() <= 0.01


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((np.zeros((3, 1)), np.zeros(3), np.ones(3)), r"shifts of 3 projections must be finite numbers of shape \(3, 2\)"),
        ((np.zeros((3, 2)), np.zeros(3), np.ones(2)), "magnifications of 3"),
        ((np.full((3, 2), np.nan), np.zeros(3), np.ones(3)), "shifts of 3"),
        ((np.zeros((3, 2)), np.zeros(3), np.zeros(3)), "must be positive, got 0"),
    ],
)
def test_errors_that_do_not_fit(values: tuple[np.ndarray, ...], words: str) -> None:
    with pytest.raises(CellmlError, match=words):
        Misalignment(*values)


@pytest.mark.parametrize("name", ["shift", "axis", "rotation", "magnification"])
@pytest.mark.parametrize("most", [-1.0, float("nan"), float("inf")])
def test_greatest_errors_are_not_negative(name: str, most: float) -> None:
    with pytest.raises(CellmlError, match=f"{name}=.* is the greatest error to either side"):
        Misalignment.drawn(3, np.random.default_rng(0), **{name: most})


def test_errors_of_another_number_of_projections() -> None:
    with pytest.raises(CellmlError, match="2 projections need as many shifts"):
        misaligned(spots((1, 0, 0)), Misalignment.of(3))


@pytest.mark.parametrize("angle", [0.0, 90.0, -90.0, 180.0, 30.0, -30.0, 85.3, -100.0, 135.0])
def test_the_axis_is_turned_along_y(angle: float) -> None:
    """A point 12 pixels up the axis, and a fainter one 8 to its right, from an image whose axis is `angle` counter-clockwise from Y."""
    axis = np.deg2rad(angle)
    up, right = (12 * np.cos(axis), -12 * np.sin(axis)), (8 * np.sin(axis), 8 * np.cos(axis))
    series = spots((2, *up), (1, *right))
    turned = axis_along_y(TiltSeries(series.data, series.angles, 1.0, axis_angle=angle))
    assert turned.axis_angle == 0
    np.testing.assert_allclose(turned.data, spots((2, 12, 0), (1, 0, 8)).data, atol=1e-6 if angle % 90 == 0 else 0.02)


@pytest.mark.parametrize(("angle", "shape"), [(40, (2, 10, 30)), (50, (2, 30, 10)), (-85, (2, 30, 10)), (175, (2, 10, 30))])
def test_height_and_width_follow_the_axis(angle: float, shape: tuple[int, ...]) -> None:
    assert axis_along_y(TiltSeries(np.ones((2, 10, 30), np.float32), np.array([0.0, 5.0]), 1.0, axis_angle=angle)).data.shape == shape
