from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.errors import CellmlError
from cellml.report.slices import Plane, length_text, matched_labels, nice_length, representative_planes, slices_figure


@settings(deadline=None)
@given(st.floats(1e-3, 1e9))
def test_nice_lengths_are_round_and_the_largest_that_fit(longest):
    length = nice_length(longest)
    power = 10.0 ** np.floor(np.log10(length) + 1e-9)
    assert round(length / power, 6) in (1, 2, 5)
    assert length <= longest * (1 + 1e-8)
    assert length * 2.5 >= longest * (1 - 1e-8)


@pytest.mark.parametrize(("nm", "text"), [(500.0, "500 nm"), (1000.0, "1 µm"), (2500.0, "2.5 µm"), (3e6, "3 mm"), (0.5, "0.5 nm")])
def test_lengths_take_the_unit_that_suits_them(nm, text):
    assert length_text(nm) == text


@settings(deadline=None)
@given(hnp.arrays(np.int64, (3, 4, 5), elements=st.integers(0, 6)), st.permutations(range(1, 7)))
def test_renamed_truth_takes_its_own_names_back(truth, names):
    renamed = np.concatenate([[0], names])[truth]
    np.testing.assert_array_equal(matched_labels(truth, renamed), truth)


def test_the_largest_part_of_a_split_bears_the_name_and_a_merger_that_of_its_larger_half():
    truth = np.array([[[1, 1, 1, 2, 2, 3]]])
    split = matched_labels(truth, np.array([[[5, 5, 6, 7, 7, 8]]]))[0, 0]
    assert split.tolist()[:2] == [1, 1]
    assert split[2] not in (0, 1, 2, 3)
    assert split.tolist()[3:] == [2, 2, 3]
    assert matched_labels(truth, np.array([[[4, 4, 4, 4, 4, 0]]]))[0, 0].tolist() == [1, 1, 1, 1, 1, 0]


def test_planes_are_orthogonal_in_a_cube_and_parallel_in_a_slab():
    assert representative_planes((100, 100, 100), (10.0, 10.0, 10.0)) == [Plane(0, 50), Plane(1, 50), Plane(2, 50)]
    assert representative_planes((20, 500, 500), (50.0, 5.0, 5.0)) == [Plane(0, 10), Plane(1, 250), Plane(2, 250)]  # 1 µm deep, 2.5 µm wide
    assert representative_planes((20, 500, 500), (10.0, 5.0, 5.0)) == [Plane(0, 4), Plane(0, 10), Plane(0, 16)]
    assert representative_planes((1, 500, 500), (10.0, 5.0, 5.0)) == [Plane(0, 0)]


def test_panels_show_what_is_given_in_its_physical_size():
    labels = np.zeros((4, 10, 30), np.int64)
    labels[:, 5:] = 1
    figure = slices_figure((100.0, 10.0, 20.0), truth=labels, prediction=labels, planes=[Plane(0, 1)])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["truth · z = 100 nm", "prediction", "disagreement"]
    assert figure.axes[0].images[0].get_extent() == [0.0, 600.0, 100.0, 0.0]
    bar = figure.axes[0].patches[0]
    assert bar.get_width() == 200.0
    assert [text.get_text() for text in figure.axes[0].texts] == ["200 nm"]


def test_disagreement_marks_the_voxels_that_differ():
    truth = np.ones((1, 4, 4), np.int64)
    prediction = truth.copy()
    prediction[0, 0, :2] = 2
    image = slices_figure((1.0, 1.0, 1.0), truth=truth, prediction=prediction, planes=[Plane(0, 0)]).axes[2].images[0].get_array()
    reddish = image[..., 0] > image[..., 2] + 0.1
    np.testing.assert_array_equal(reddish, prediction[0] == 2)


def test_a_boundary_in_bytes_looks_like_one_in_floats():
    probability = np.linspace(0, 1, 256).reshape(1, 16, 16)
    look = [
        slices_figure((1.0, 1.0, 1.0), boundary=b, planes=[Plane(0, 0)]).axes[0].images[0].get_array()
        for b in (probability, np.round(255 * probability).astype(np.uint8))
    ]
    np.testing.assert_allclose(look[0], look[1], atol=0.02)


def test_shapes_that_disagree_are_named():
    with pytest.raises(CellmlError, match=r"\(3, 4, 5\).*\(3, 4, 6\)"):
        slices_figure((1.0, 1.0, 1.0), truth=np.zeros((3, 4, 5), int), prediction=np.zeros((3, 4, 6), int))
    with pytest.raises(CellmlError, match="none"):
        slices_figure((1.0, 1.0, 1.0))
