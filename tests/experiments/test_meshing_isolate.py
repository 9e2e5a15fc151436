from __future__ import annotations

import time
from pathlib import Path

import pytest
from isolate import run_isolated
from misbehaving import answers, hangs, is_killed, raises, takes_memory

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_result_comes_back():
    ended = run_isolated(answers, 7, limit_s=60, limit_mb=2000)
    assert (ended.how, ended.result, ended.why) == ("done", {"value": 7}, "")
    assert ended.peak_mb > 10


def test_an_exception_is_a_crash_with_its_words():
    ended = run_isolated(raises, limit_s=60, limit_mb=2000)
    assert (ended.how, ended.why) == ("crash", "KeyError: 'lost'")


def test_a_signal_is_a_crash_and_leaves_nothing_behind(tmp_path):
    ended = run_isolated(is_killed, str(tmp_path / "pid"), limit_s=60, limit_mb=2000)
    assert ended.how == "crash"
    assert "SIGSEGV" in ended.why
    time.sleep(0.1)
    assert not _alive(int((tmp_path / "pid").read_text()))


def test_a_hang_is_ended_with_its_children(tmp_path):
    ended = run_isolated(hangs, str(tmp_path / "pid"), limit_s=2, limit_mb=2000)
    assert ended.how == "hang"
    assert 2 <= ended.wall_s < 20
    time.sleep(0.1)
    assert not _alive(int((tmp_path / "pid").read_text()))


def test_memory_of_children_counts_within_the_measured_part():
    ended = run_isolated(takes_memory, 150, limit_s=60, limit_mb=2000)
    assert ended.how == "done"
    assert 150 < ended.peak_mb < 450 - 1  # without the 300 MB before and after, on top of the interpreters


def test_too_much_memory_is_stopped():
    ended = run_isolated(takes_memory, 700, limit_s=60, limit_mb=400)
    assert ended.how == "memory"
    assert "400 are allowed" in ended.why
