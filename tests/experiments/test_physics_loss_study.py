from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

_STUDY = Path(__file__).parents[2] / "experiments" / "physics_loss"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder on the path, its modules forgotten afterwards: other studies have modules of the same names."""
    mine = ("run", "summary", "choice", "routes", "shapes", "judge", "figure", "gradients")
    shadowed = {name: sys.modules.pop(name) for name in mine if name in sys.modules}
    monkeypatch.syspath_prepend(str(_STUDY))
    yield
    for name in mine:
        sys.modules.pop(name, None)
    sys.modules.update(shadowed)


def rows(errors: dict[tuple[float, int, int], list[float]], dice: float = 0.9) -> list[dict[str, str]]:
    """Rows of {(weight, steps, seed): error by shape}; the second answer is as far off, to the other side."""
    every = {"surfaces": "False", "neck_volume": "0.1", "spine_volume": "0.1"}
    return [
        {**every, "physics": str(physics), "steps": str(steps), "seed": str(seed), "shape": str(shape), "dice": str(dice),
         "escape_time": str(error), "neck_conductance": str(-error)}
        for (physics, steps, seed), of in errors.items() for shape, error in enumerate(of)
    ]  # fmt: skip


def test_validation_shapes_choose_by_one_rule_and_may_choose_the_start(study: None) -> None:
    from choice import START, Setting, candidates, choose
    from routes import Way
    from shapes import TRAINED

    found = rows({(0, 0, 0): [0.2, 0.3], (0, 50, 1): [0.3, 0.4], (0, 50, 2): [0.2, 0.4],
                  (1, 50, 1): [0.1, 0.3], (1, 50, 2): [0.1, 0.2], (3, 50, 1): [0.3, 0.1]})  # fmt: skip
    among = [START, Setting(Way(1), 50), Setting(Way(3), 50)]
    control, physics = choose(found, candidates("head", (50,), physics=False), TRAINED), choose(found, among, TRAINED)
    assert control == START
    assert (physics.way.physics, physics.steps) == (1, 50)
    cheap = rows({(3, 50, 1): [0.01, 0.01], (3, 50, 2): [0.01, 0.01]}, dice=0.885)
    assert choose([row for row in found if row["physics"] != "3"] + cheap, among, TRAINED) == physics  # Dice 0.015 lower
    untaught = [row for row in found if row["steps"] == "0" or row["seed"] == "1"][:-1]
    assert choose(untaught, among, TRAINED).way.physics == 1  # weight 3 lacks a shape


def test_an_answer_that_cannot_be_had_is_an_error_of_1(study: None) -> None:
    from choice import Scores, Setting, median_error
    from routes import Way
    from shapes import TRAINED

    of = Scores(rows({(0.3, 100, 7): [0.1, float("nan"), 0.3], (0.3, 100, 8): [0.2, 0.2, 0.2]}), Setting(Way(0.3), 100))
    np.testing.assert_allclose(of.errors(TRAINED), [[0.1, 1.0, 0.3], [0.2, 0.2, 0.2]])
    assert median_error(of.errors(TRAINED)) == pytest.approx((0.3 + 0.2) / 2)


def test_ratios_are_paired_over_seeds_and_shapes_and_their_intervals_hold_them(study: None) -> None:
    from choice import START, Scores, Setting
    from routes import Way
    from summary import numbers

    rng = np.random.default_rng(0)
    base = rng.uniform(0.1, 0.4, 30)
    every = rows({(0, 0, 0): list(base), **{(1, 50, seed): list(base * f) for seed, f in ((1, 0.4), (2, 0.5), (3, 0.6))},
                  **{(0, 50, seed): list(2 * base) for seed in (1, 2, 3)}})  # fmt: skip
    arms = {"start": START, "control": START, "equal": Setting(Way(0), 50), "with": Setting(Way(1), 50)}
    found = {key: value for key, (value, _) in numbers({name: Scores(every, setting) for name, setting in arms.items()}).items()}
    assert found["sim_error_ratio"] == found["sim_error_ratio_vs_start"] == pytest.approx(0.5)
    assert found["sim_error_ratio_vs_equal_steps"] == pytest.approx(0.25)
    assert 0.4 <= found["sim_error_ratio_low"] < 0.5 < found["sim_error_ratio_high"] <= 0.6  # of seeds alone: all shapes agree
    assert found["dice_change"] == 0 and found["better_share"] == 1


def test_judged_voxels_and_answers(study: None) -> None:
    import torch
    from judge import dice, row_of

    from cellml.types import TetMesh

    truth = np.repeat([1, 2, 3, 0], 4)
    assert dice(truth, truth) == 1
    assert dice(np.where(truth == 3, 2, truth), truth) == pytest.approx((1 + 2 * 4 / (8 + 4) + 0) / 3)
    mesh = TetMesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]), np.array([[0, 1, 2, 3]]), np.ones(1, np.int32), {1: "base"})
    cell = {"true": {"escape_time": 1.0, "neck_conductance": 1.0}, "labels": torch.from_numpy(truth)}
    row = row_of((mesh, truth), cell, ("escape_time", "neck_conductance"))  # no neck
    assert np.isnan(row["escape_time"]) and np.isnan(row["neck_conductance"]) and row["dice"] == 1


def test_only_trainings_that_both_arms_have_whole_are_compared(study: None) -> None:
    from choice import START, Setting
    from routes import Way
    from summary import arms_of

    every = rows({(0, 0, 0): [0.2, 0.3], **{(1, 50, seed): [0.1, 0.1] for seed in (1, 2, 3)}, (0, 50, 1): [0.2, 0.2], (0, 50, 2): [0.2]})
    found = arms_of(every, {"start": START, "with": Setting(Way(1), 50), "control": Setting(Way(0), 50), "equal": Setting(Way(0), 100)})
    assert set(found) == {"start", "with", "control"}
    assert found["with"].seeds == found["control"].seeds == [1]
    alone = arms_of(every, {"start": START, "with": Setting(Way(1), 50), "control": START})
    assert alone["with"].seeds == [1, 2, 3] and alone["control"].seeds == [0]
