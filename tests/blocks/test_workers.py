"""Processes that fail, hang and die, and never take the others with them."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from cellml.blocks.workers import run_jobs
from cellml.errors import CellmlError


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return import_module("faulty_work").prepare


def test_each_job_ends_in_one_outcome_whatever_happens_to_it(prepare: Any, tmp_path: Path) -> None:
    jobs = [("good", 1), ("fail", "mesh"), ("die", 1), ("defect", "key"), ("die", 2), ("good", 2)]
    found = {one.number: one for one in run_jobs(prepare, jobs, workers=2, timeout_s=30.0)}
    assert sorted(found) == list(range(6))
    assert found[0].value == (1, 1, "1") and found[5].value == (2, 1, "1")
    assert found[1].reason == "no mesh" and found[1].tries == 2 and found[1].value is None
    assert found[2].value[:2] == (1, 2) and found[2].tries == 2
    assert "KeyError" in found[3].reason
    assert "signal 9" in found[4].reason and found[4].value is None


def test_what_hangs_is_ended_by_the_clock_and_leaves_no_process(prepare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cellml.blocks.workers.PATIENCE", 20.0)
    (late,) = run_jobs(prepare, [("hang", str(tmp_path / "pid"))], workers=1, timeout_s=0.2, tries=1)
    assert late.reason == "it took longer than 4 s by the clock"
    if (tmp_path / "pid").exists():  # not where the machine is so busy that it did not begin in time
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_is_busy_for_too_long_is_ended_however_slow_the_clock(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cellml.blocks.workers.PATIENCE", 1e4)
    found = {one.number: one for one in run_jobs(prepare, [("busy", ""), ("good", 1)], workers=1, timeout_s=0.2, tries=1)}
    assert found[0].reason == "it took more processor time than 0.2 s"
    assert found[1].value[0] == 1


def test_leaving_early_ends_the_workers(prepare: Any, tmp_path: Path) -> None:
    found = run_jobs(prepare, [("good", 0), ("hang", str(tmp_path / "pid"))], workers=2, timeout_s=60.0)
    assert next(found).number == 0
    found.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        if not (tmp_path / "pid").exists():
            raise ProcessLookupError
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_no_workers_are_refused(prepare: Any) -> None:
    with pytest.raises(CellmlError, match="workers=0"):
        next(run_jobs(prepare, [1], workers=0))
    assert list(run_jobs(prepare, [], workers=1)) == []


def test_a_second_try_at_the_end_finds_several_idle_workers(prepare: Any) -> None:
    jobs = [("good", 0), ("good", 1), ("good", 2), ("fail", "luck")]
    found = {one.number: one.tries for one in run_jobs(prepare, jobs, workers=3)}
    assert found == {0: 1, 1: 1, 2: 1, 3: 2}
