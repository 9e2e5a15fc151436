from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from cellml.metrics.contingency import ContingencyTable
from cellml.types import Labels

_STUDY = Path(__file__).parents[2] / "experiments" / "images_against_answers"
_NAMES = {path.stem for path in _STUDY.glob("*.py")}


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch):
    """The folder on the path, its modules forgotten afterwards: other studies have modules of the same names."""
    shadowed = {name: sys.modules.pop(name) for name in _NAMES if name in sys.modules}
    monkeypatch.syspath_prepend(str(_STUDY))
    yield
    for name in _NAMES:
        sys.modules.pop(name, None)
    sys.modules.update(shadowed)


def _configuration(name: str):
    from omegaconf import OmegaConf

    return OmegaConf.load(_STUDY / f"{name}.yaml")


def _tubes() -> tuple[Labels, np.ndarray]:
    """Three tubes through a block, and pieces of them: 1 in three, 2 whole, 3 joined with what surrounds them."""
    truth = np.zeros((40, 30, 30), np.int64)
    truth[:, 3:12, 3:12], truth[:, 3:12, 16:25], truth[:, 16:25, 16:25] = 1, 2, 3
    pieces = np.where(truth == 1, 1 + np.arange(40)[:, None, None] // 15, 0)
    pieces[truth == 2] = 7
    pieces[(truth == 3) | (truth == 0)] = 9
    return Labels(truth, (10.0, 10.0, 10.0)), pieces


def test_a_person_joins_pieces_and_cuts_none(study) -> None:
    from tissue import mended

    truth, pieces = _tubes()
    table = ContingencyTable.from_labels(truth.data, pieces)
    found = mended(table)
    assert set(found[1].pieces) == {1, 2, 3} and found[1].dice == 1.0
    assert found[2].pieces == (7,) and found[2].dice == 1.0
    assert found[3].pieces == () and found[3].dice == 0.0  # its piece is mostly background, and stays there whole
    one = mended(table, most=1)[1]
    assert one.pieces == (1,) and one.dice == pytest.approx(2 * 15 / (40 + 15))


def test_thresholds_are_the_best_of_each_score(study) -> None:
    from tissue import chosen_thresholds

    truth, pieces = _tubes()
    whole = np.where(truth.data == 1, 1, pieces)
    merged = np.ones_like(pieces)
    assert chosen_thresholds(truth.data, {0.1: pieces, 0.3: whole, 0.5: merged}, [1]) == (0.3, 0.1)  # both mend neurite 1: the first


def test_judges_answer_for_what_is_there(study) -> None:
    from judge import automatic_answers, mended_answers, questions, remeshed

    truth, pieces = _tubes()
    asked = [q for q in questions(truth) if q.neurite in (1, 2, 3)]
    assert [q.neurite for q in asked] == [1, 2, 3] and asked[0].voxels == 40 * 81
    length = 0.4  # µm; from a uniform start to one end L² / 3 D
    assert asked[0].truth["first_passage_time"] == pytest.approx(length**2 / 3, rel=0.05)
    automatic = {r.neurite: r for r in automatic_answers(truth, pieces, asked)}
    assert automatic[1].status == "unmatched" and automatic[1].dice == pytest.approx(2 * 15 / 55, abs=1e-3)
    assert automatic[2].status == "ok" and automatic[3].status == "unmatched"
    mending = {r.neurite: r for r in mended_answers(truth, pieces, asked)}
    for name, value in asked[0].truth.items():
        assert mending[1].values[name] == pytest.approx(value, rel=1e-6)
    assert mending[1].pieces == 3 and mending[3].status == "unmatched" and np.isnan(mending[3].values["conductance"])
    for one, again in zip(asked, remeshed(truth, asked), strict=True):
        assert again.values["first_passage_time"] == pytest.approx(one.truth["first_passage_time"], rel=0.05)


def _row(neurite: int, predicted: tuple[float, float, float], true: tuple[float, float, float] = (2.0, 1.0, 4.0)) -> dict[str, str]:
    names = ("first_passage_time", "relaxation_time", "conductance")
    values = {name: str(v) for name, v in zip(names, predicted, strict=True)}
    truths = {f"true_{name}": str(v) for name, v in zip(names, true, strict=True)}
    return {"neurite": str(neurite), "dice": "0.9", "pieces": "1", **values, **truths}


def test_errors_of_neurites(study) -> None:
    from summary import errors_of, mean_change, mean_error, median_error

    nan = float("nan")
    rows = [
        _row(1, (nan, nan, nan)),  # an interrupted measurement's row, measured again below
        _row(1, (2.2, 1.0, 8.0)),  # 10 %, 0, 100 %: the median is 10 %
        _row(2, (nan, nan, nan)),
        _row(3, (20.0, 30.0, nan), (2.0, 1.0, nan)),  # has no second end; ninefold and 29-fold
    ]
    found = errors_of(rows)
    assert found.neurites == (1, 2, 3) and found.answered.tolist() == [True, False, True]
    np.testing.assert_allclose(found.error, [0.1, 1.0, 19.0])
    np.testing.assert_allclose(found.capped, [0.1, 1.0, 1.0])
    assert median_error(found).value == 1.0 and mean_error(found).value == pytest.approx(0.7)
    assert mean_error(found).low == pytest.approx(0.1, abs=0.31) and mean_error(found).high == 1.0
    same = mean_change(found, found)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="differ"):
        mean_change(found, errors_of(rows[:2]))


def test_intervals_shrink_as_the_root_of_neurites(study) -> None:
    from summary import errors_of, mean_error

    def width(count: int) -> float:
        spread = mean_error(errors_of(_row(n, (2.0 * (1 + 0.5 * (n % 2)),) * 3, (2.0,) * 3) for n in range(count)))
        return spread.high - spread.low

    assert width(25) / width(100) == pytest.approx(2.0, rel=0.2)
    assert width(100) == pytest.approx(2 * 1.645 * 0.25 / 10, rel=0.15)  # errors 0 and 0.5, half of each


def test_conditions_of_the_wedge(study) -> None:
    from wedge import conditions

    found = conditions(_configuration("wedge"))
    assert len({one.key for one in found}) == len(found) and {one.half_range for one in found} >= {90, 75, 60, 45}
    assert {one.snr for one in found} >= {float("inf"), 30.0, 10.0, 3.0}
    for one in found:
        assert np.abs(one.tilts).max() == one.half_range and np.allclose(np.diff(one.tilts), one.step)
        assert len(np.unique(np.mod(one.tilts, 180))) == len(one.tilts)  # no direction twice


def test_every_damage_and_filter_is_built(study) -> None:
    from filters import conditions
    from hydra.utils import instantiate

    from cellml.imaging.frame import Frame
    from cellml.imaging.repairs.apply import repair_volume
    from cellml.types import Volume

    config = _configuration("filters")
    found = conditions(config)
    assert len({one.key for one in found}) == len(found)
    image = np.random.default_rng(0).uniform(50, 200, (6, 24, 24)).astype(np.float32)
    volume = Volume(image, (10.0, 10.0, 10.0))
    for name, damage in config.damages.items():
        apply = instantiate(damage)
        if apply is not None:
            changed = apply(image, frame=Frame.of(volume))
            assert changed.shape == image.shape and not np.allclose(changed, image), name
    for family, strengths in config.filters.items():
        for strength, one in strengths.items():
            assert np.isfinite(repair_volume(volume, instantiate(one)).data).all(), (family, strength)
