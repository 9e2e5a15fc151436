from __future__ import annotations

import pytest

from cellml.demo import stages
from cellml.demo.stages import Clock


def test_clock_counts_stages_and_what_is_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = [100.0]
    monkeypatch.setattr(stages.time, "monotonic", lambda: now[0])
    clock = Clock(minutes=2, _begun=100.0)
    with clock.stage("first", 30):
        now[0] += 45
        clock.note("took one of two")
    with clock.stage("second", 60):
        now[0] += 15
    assert [(s.stage, s.seconds, s.budget_seconds, s.note) for s in clock.finished] == [
        ("first", 45.0, 30, "took one of two"),
        ("second", 15.0, 60, ""),
    ]
    assert clock.elapsed == 60 and clock.left == 60
    assert "second: 15 s, 25% of the time so far" in capsys.readouterr().out
    now[0] += 1000
    assert clock.left == 0
