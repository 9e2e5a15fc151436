"""How the surrogate study reads solves off its curves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.report.rows import append_row

_STUDY = Path(__file__).parents[2] / "experiments" / "surrogate"
KEY, SOLVES = "test rms", (10, 20, 40)


@pytest.fixture
def ratios(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The study's module, forgotten afterwards."""
    monkeypatch.syspath_prepend(str(_STUDY))
    import ratios

    yield ratios
    sys.modules.pop("ratios", None)


def written(path: Path, curves: dict[tuple[str, int], str]) -> Path:
    for (way, seed), errors in curves.items():
        append_row(path, {"way": way, "seed": seed, KEY: errors})
    return path


def test_solves_are_compared_where_random_choice_has_come_nine_tenths_of_its_way(ratios: Any, tmp_path: Path) -> None:
    """From 1.0 to 0.0 with the whole pool: 0.1 lies half-way between 0.2 at 20 and 0.0 at 40 solves; the design is there at 15."""
    path = written(tmp_path / "c.csv", {("at random", 0): "1.0 0.2 0.0 0.0", ("design", 0): "0.2 0.0 0.0", ("late", 0): "1.0 1.0 0.5"})
    found = ratios.Curves.read(path, SOLVES, (KEY,), 10)
    assert found.reference(KEY) == 30 and found.whole[KEY].tolist() == [0.0]
    assert found.ratio("design", KEY, 30) == pytest.approx(0.5)
    assert found.ratio("at random", KEY, 30) == pytest.approx(1.0)
    assert found.ratio("late", KEY, 30) == pytest.approx(40 / 30)  # never there, and counted as there at its end
    assert found.chosen(KEY, 30) == "design"
    assert found.interval("design", KEY, 30) == pytest.approx((0.5, 0.5))


def test_curves_are_means_over_seeds_that_all_ways_have(ratios: Any, tmp_path: Path) -> None:
    rows = {("at random", 0): "1 0.4 0.2 0", ("design", 0): "0.4 0.1 0", ("at random", 11): "1 0.6 0.2 0", ("design", 11): "0.4 0.3 0"}
    found = ratios.Curves.read(written(tmp_path / "c.csv", rows | {("at random", 2): "9 9 9 9"}), SOLVES, (KEY,), 10)
    assert found.folds.tolist() == [0, 1] and found.errors["at random"][KEY].mean(axis=0) == pytest.approx([1.0, 0.5, 0.2])
    assert found.ratio("design", KEY, 20) == pytest.approx(10 / 20)
    assert found.ratio("design", KEY, 20, np.array([1])) == pytest.approx(10 / 20)
    low, high = found.interval("design", KEY, 40)
    assert low == pytest.approx(20 / 40 - 10 / 3 / 40) and high == pytest.approx(80 / 3 / 40)


def test_curves_without_a_common_seed_are_told(ratios: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", {("at random", 0): "1 1 1 1", ("design", 1): "1 1 1"})
    with pytest.raises(CellmlError, match="no seed with all of at random, design"):
        ratios.Curves.read(path, SOLVES, (KEY,), 10)
