from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.segmentation.class_decoder import ClassDecoder


def probabilities(seed: int = 0, classes: int = 3, shape: tuple[int, int, int] = (3, 9, 8)) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(classes, *shape))
    return (np.exp(logits) / np.exp(logits).sum(axis=0)).astype(np.float32)


@given(st.integers(0, 1000), st.floats(0.05, 0.95))
def test_agrees_with_the_slow_twin(seed: int, threshold: float) -> None:
    p = probabilities(seed, shape=(2, 3, 4))
    labels = ClassDecoder(threshold)(p)
    for v in np.ndindex(labels.shape):
        others = [p[k][v] for k in (1, 2)]
        expected = 0 if p[0][v] > 1 - threshold else 1 + int(np.argmax(others))
        assert labels[v] == expected


def test_two_classes_at_one_half_are_the_most_probable_class() -> None:
    p = probabilities(3, classes=2)
    assert np.array_equal(ClassDecoder(0.5)(p), p.argmax(axis=0))


def test_a_lower_threshold_never_loses_foreground() -> None:
    p = probabilities(1)
    assert ((ClassDecoder(0.6)(p) > 0) <= (ClassDecoder(0.3)(p) > 0)).all()


def test_small_pieces_go_and_small_holes_are_filled() -> None:
    truth = np.zeros((2, 12, 12), int)
    truth[:, 2:9, 2:9] = 1
    truth[0, 5, 5] = truth[0, 11, 11] = 0
    truth[1, 11, 0] = 2
    p = np.stack([(truth == k) * 0.9 + 0.05 for k in range(3)]).astype(np.float32)
    assert np.array_equal(ClassDecoder(0.5)(p), truth)
    done = ClassDecoder(0.5, smallest=2, fill=1)(p)
    assert done[0, 5, 5] == 1 and done[1, 11, 0] == 0
    assert (done == truth).sum() == truth.size - 2


def test_holes_larger_than_allowed_or_open_to_the_border_stay() -> None:
    truth = np.ones((1, 8, 8), int)
    truth[0, 3:5, 3:5] = 0
    truth[0, 0, 4] = 0
    p = np.stack([(truth == k) * 0.9 + 0.05 for k in range(2)]).astype(np.float32)
    assert np.array_equal(ClassDecoder(0.5, fill=3)(p), truth)
    assert np.array_equal(np.argwhere(ClassDecoder(0.5, fill=4)(p) == 0), [[0, 0, 4]])


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"threshold": 1.5}, {"smallest": -1}, {"fill": -2}])
def test_impossible_parameters_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(CellmlError, match=str(next(iter(wrong.values())))):
        ClassDecoder(**wrong)
