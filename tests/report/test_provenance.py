from __future__ import annotations

import pytest

from cellml.report.provenance import provenance, seconds, timings_table
from cellml.report.summary import StageTime, Summary


@pytest.mark.parametrize(("value", "text"), [(0.42, "0.42 s"), (37.2, "37 s"), (59.9, "60 s"), (60.0, "1 min 00 s"), (365.4, "6 min 05 s")])
def test_durations(value, text):
    assert seconds(value) == text


def test_times_have_columns_only_for_what_was_said():
    plain = timings_table([StageTime("a", 60.0), StageTime("b", 30.0)])
    assert "budget" not in plain
    assert "note" not in plain
    assert "1 min 30 s" in plain
    full = timings_table([StageTime("a", 60.0, 90.0, "7 of 8")])
    assert "budget" in full
    assert "7 of 8" in full


def test_nothing_known_says_nothing():
    assert provenance(Summary()) == ""
    assert "Versions" not in provenance(Summary(seed=0))
    assert "seed" in provenance(Summary(seed=0))
