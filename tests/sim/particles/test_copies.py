from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.particles.copies import copy_numbers, few_copies, whole


def test_copies_are_concentration_times_volume_or_area_and_what_is_released(model_of, cube):
    text = (
        "species:\n  A: {in: '*', initial: {value: 1, unit: uM}}\n  B: {on: membrane, initial: {value: 10, unit: molecule/um^2}}\n"
        "releases:\n  - {of: B, at: membrane, amount: {value: 7, unit: molecule}}\nsteady: true\n"
    )
    found = copy_numbers(cube, model_of(text))
    assert found == {"A": pytest.approx(602.214076), "B": pytest.approx(57.0)}
    assert [note.split(":")[0] for note in few_copies(found)] == ["B"]
    assert few_copies({"A": 0.0, "B": 100.0}) == []


def test_whole_numbers_keep_the_mean():
    found = whole(3.25, 40_000, np.random.default_rng(0))
    assert set(found.tolist()) == {3, 4}
    assert found.mean() == pytest.approx(3.25, abs=4 * np.sqrt(0.25 * 0.75 / 40_000))
