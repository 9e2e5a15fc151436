from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.metrics.confusion import ConfusionCounts
from cellml.pixels.operating_point import choose_bias


def mean_iou(logs: np.ndarray, bias: np.ndarray, truth: np.ndarray) -> float:
    prediction = (logs + np.asarray(bias)[:, None]).argmax(axis=0)
    return ConfusionCounts.from_labels(truth, prediction, len(logs)).mean_iou()


@given(st.integers(0, 10_000), st.integers(5, 200), st.floats(0.05, 0.9))
@settings(max_examples=60, deadline=None)
def test_with_two_classes_it_is_the_best_of_all_thresholds(seed: int, count: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    truth = (rng.random(count) < share).astype(int)
    truth[:2] = 1, 0
    p = np.clip(np.round(0.3 * truth + 0.7 * rng.random(count), 2), 0.01, 0.99)
    logs = np.log([1 - p, p])
    every = max(mean_iou(logs, np.array([0, -np.log(t / (1 - t))]), truth) for t in np.arange(0.005, 1, 0.01))
    assert mean_iou(logs, choose_bias(logs, truth), truth) == pytest.approx(every, abs=1e-12)


def test_with_several_classes_it_is_better_than_none_and_near_the_best_of_a_grid() -> None:
    rng = np.random.default_rng(3)
    truth = rng.choice(3, 600, p=[0.8, 0.15, 0.05])
    scores = rng.normal(size=(3, 600)) + 1.5 * np.eye(3)[truth].T
    logs = scores - np.log(np.exp(scores).sum(axis=0))
    found = mean_iou(logs, choose_bias(logs, truth), truth)
    grid = np.linspace(-3, 3, 25)
    every = max(mean_iou(logs, np.array([0, a, b]), truth) for a in grid for b in grid)
    assert found > mean_iou(logs, np.zeros(3), truth) + 0.01 and found > every - 0.02


def test_it_takes_back_what_balanced_training_did() -> None:
    """Classes drawn evenly shift every logit by the same number, and the offset takes it back."""
    rng = np.random.default_rng(0)
    truth = (rng.random(20_000) < 0.05).astype(int)
    p = 1 / (1 + np.exp(-(rng.normal(size=20_000) + 4 * truth - 2)))
    logs = np.log([1 - p, p])
    plain, shifted = choose_bias(logs, truth), choose_bias(logs + np.array([[0.0], [3.0]]), truth)
    assert plain[0] == shifted[0] == 0 and shifted[1] == pytest.approx(plain[1] - 3, abs=1e-5) and plain.dtype == np.float32


def test_nothing_worth_finding_and_everything_found() -> None:
    truth = np.array([0, 0, 1, 1])
    perfect = np.log([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]])
    assert mean_iou(perfect, choose_bias(perfect, truth), truth) == 1
    for missing in (truth * 0, truth * 0 + 1, truth[:0]):
        assert not choose_bias(perfect[:, : len(missing)], missing).any(), "one class alone says nothing of a threshold"
    three = np.concatenate([perfect, perfect[:1] * 2])
    assert choose_bias(three, truth)[2] == 0
    useless = np.log(np.full((2, 4), 0.5))
    assert mean_iou(useless, choose_bias(useless, truth), truth) == 0.5, "all or nothing: all agrees better"
