from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellml.meshing.sections import between_sections, repeated_sections
from cellml.types import Labels


def _ellipsoid(shape, spacing, half_axes):
    z, y, x = np.meshgrid(*((np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)), indexing="ij")
    return (z / half_axes[0]) ** 2 + (y / half_axes[1]) ** 2 + (x / half_axes[2]) ** 2 < 1


SPACING = (50.0, 5.0, 5.0)
TEN_TO_ONE = Labels(_ellipsoid((17, 44, 44), SPACING, (330.0, 90.0, 90.0)), SPACING, origin=(1000.0, 7.0, -3.0))


def _box(labels):
    """Low and high corner in nm of the box that the voxels fill."""
    origin, spacing = np.array(labels.origin), np.array(labels.spacing)
    return origin - 0.5 * spacing, origin + (np.array(labels.shape) - 0.5) * spacing


def _error(mask, spacing, pixel, half_axes):
    """Mean error in nm of the radius in each section of an ellipsoid about the middle of a volume, but for its ends."""
    z = (np.arange(len(mask)) - (len(mask) - 1) / 2) * spacing
    radius = np.sqrt(mask.sum(axis=(1, 2)) * pixel**2 / np.pi)
    middle = np.abs(z) < 0.8 * half_axes[0]
    return np.abs(radius - half_axes[1] * np.sqrt(np.clip(1 - (z / half_axes[0]) ** 2, 0, None)))[middle].mean()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_ten_to_one_becomes_two_to_one(axis):
    labels = Labels(
        np.moveaxis(TEN_TO_ONE.data, 0, axis).copy(),
        tuple(np.roll(SPACING, axis).tolist()) if axis < 2 else (5.0, 5.0, 50.0),
        TEN_TO_ONE.origin,
    )
    fine, sampled, said = between_sections(labels)
    assert fine.spacing[axis] == 10.0
    assert sampled == labels.spacing
    assert said == (f"shapes interpolated between sections of 50 nm along {'zyx'[axis]}, to 10 nm",)
    assert np.allclose(_box(fine), _box(labels))
    volume = fine.data.sum() / 5 / labels.data.sum() - 1
    assert abs(volume) < 0.03
    truth = 4 / 3 * np.pi * 330 * 90 * 90
    assert fine.data.sum() * 10 * 25 == pytest.approx(truth, rel=0.04)


def test_steps_between_sections_become_smooth():
    fine, _, _ = between_sections(TEN_TO_ONE)
    repeated = np.repeat(TEN_TO_ONE.data, 5, axis=0)
    before, after = (_error(data, 10.0, 5.0, (330.0, 90.0)) for data in (repeated, fine.data))
    assert before > 1.5
    assert after < 0.5 * before
    assert ndimage.label(fine.data)[1] == 1


def test_sections_themselves_stay_as_they_are():
    fine, _, _ = between_sections(TEN_TO_ONE)
    assert np.array_equal(fine.data[2::5], TEN_TO_ONE.data)  # of five new sections the third is the old one


def test_an_object_ends_half_way_to_the_section_without_it():
    data = np.zeros((6, 20, 20), np.uint8)
    data[2:4, 4:16, 4:16] = 3
    fine, _, _ = between_sections(Labels(data, SPACING))
    present = np.flatnonzero((fine.data == 3).any(axis=(1, 2)))
    assert (present[0], present[-1]) == (10, 19)
    assert (fine.data == 3).sum() == 5 * (data == 3).sum()


def test_an_object_in_one_section_only_keeps_its_section():
    data = np.zeros((5, 20, 20), np.uint8)
    data[2, 3:17, 3:17] = 1
    fine, _, _ = between_sections(Labels(data, SPACING))
    present = np.flatnonzero(fine.data.any(axis=(1, 2)))
    assert (present[0], present[-1]) == (10, 14)
    assert (fine.data[12] > 0).sum() == 14 * 14


def test_one_section_is_only_repeated():
    data = np.zeros((1, 12, 12), np.uint8)
    data[0, 3:9, 3:9] = 2
    fine, _, _ = between_sections(Labels(data, SPACING))
    assert np.array_equal(fine.data, np.repeat(data, 5, axis=0))


def test_objects_that_touch_share_what_lies_between():
    data = np.ones((4, 10, 20), np.uint8)
    data[:2, :, 8:], data[2:, :, 12:] = 2, 2
    fine, _, _ = between_sections(Labels(data, SPACING))
    assert (fine.data > 0).all()  # no gap opens between them
    border = (fine.data == 1).sum(axis=2)[:, 0]
    assert border[[0, 2, 7]].tolist() == [8, 8, 8]
    assert border[[12, 19]].tolist() == [12, 12]
    assert (np.diff(border) >= 0).all()
    assert border[8:12].max() > 8
    assert border[8:12].min() < 12


def test_isotropic_labels_are_untouched():
    for spacing in ((10.0, 10.0, 10.0), (12.0, 10.0, 8.0), (25.0, 10.0, 10.0)):
        labels = Labels(_ellipsoid((12, 14, 13), (1.0, 1.0, 1.0), (4.3, 5.1, 4.7)), spacing)
        assert between_sections(labels) == (labels, spacing, ())


def _runs(data, axis):
    run, starts = repeated_sections(data.astype(np.int64), axis)
    return run, starts.tolist()


def test_repeated_sections_are_found_and_interpolated():
    shape, spacing = (9, 30, 30), (40.0, 10.0, 10.0)
    thick = _ellipsoid(shape, spacing, (150.0, 120.0, 120.0))
    labels = Labels(np.repeat(thick, 4, axis=0), (10.0, 10.0, 10.0))
    assert _runs(labels.data, 0) == (4, [*range(0, 36, 4)])
    fine, sampled, said = between_sections(labels)
    assert sampled == (40.0, 10.0, 10.0)
    assert said == ("sections repeat in runs of 4 along z: taken as sections of 40 nm, shapes interpolated between",)
    assert (fine.spacing, fine.origin, fine.shape) == (labels.spacing, labels.origin, labels.shape)
    before, after = (_error(data, 10.0, 10.0, (150.0, 120.0)) for data in (labels.data, fine.data))
    assert after < 0.6 * before
    assert fine.data.sum() == pytest.approx(labels.data.sum(), rel=0.05)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_repeated_sections_may_begin_with_a_part_of_a_run(cut):
    thick = _ellipsoid((9, 30, 30), (40.0, 10.0, 10.0), (170.0, 120.0, 120.0))
    data = np.repeat(thick, 4, axis=0)[cut:].astype(np.int64)
    assert _runs(data, 0) == (4, [0, *range(4 - cut, len(data), 4)])
    fine, _, _ = between_sections(Labels(data, (10.0, 10.0, 10.0)))
    assert fine.shape == data.shape


def test_smooth_shapes_and_few_changes_are_no_terraces():
    ball = _ellipsoid((24, 24, 24), (1.0, 1.0, 1.0), (9.7, 9.7, 9.7)).astype(np.int64)
    assert [_runs(ball, axis) for axis in range(3)] == [(1, [*range(24)])] * 3
    box = np.zeros((12, 12, 12), np.int64)
    box[4:8, 4:8, 4:8] = 1
    assert [_runs(box, axis) for axis in range(3)] == [(1, [*range(12)])] * 3


@pytest.mark.parametrize(("run", "fewest"), [(2, 10), (4, 5), (10, 3)])
def test_changes_count_as_runs_only_where_chance_would_not_make_as_many(run, fewest):
    """The sides of a few boxes may all lie 4 voxels apart though there are no sections of 4 voxels."""
    for steps, expected in ((fewest, run), (fewest - 1, 1)):
        inside = np.repeat(np.arange(steps + 2) % 2 + 1, run)[1:]  # the first change may lie anywhere
        data = np.pad(inside, 3)[:, None, None] * np.ones((1, 4, 4), np.int64)
        assert _runs(data, 0)[0] == expected


def test_an_object_may_end_within_a_run():
    thick = np.repeat(_ellipsoid((9, 30, 30), (40.0, 10.0, 10.0), (150.0, 120.0, 120.0)), 4, axis=0)
    thick[:6], thick[-7:] = False, False
    assert _runs(thick, 0) == (4, sorted({*range(0, 36, 4), 6, 29}))
    fine, _, _ = between_sections(Labels(thick, (10.0, 10.0, 10.0)))
    present = np.flatnonzero(fine.data.any(axis=(1, 2)))
    assert (present[0], present[-1]) == (6, 28)
