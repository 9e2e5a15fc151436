from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from cellml.preemption import another_start_if_warned, ask_for_another_start, cluster_plugins, slurm_job, started_again
from cellml.termination import Terminated

NAMES = (
    "SLURM_JOB_ID",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_NTASKS",
    "SLURM_PROCID",
    "SLURM_RESTART_COUNT",
    "SLURM_JOB_NAME",
)


@pytest.fixture(autouse=True)
def _outside_of_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_outside_of_slurm_nothing_is_assumed() -> None:
    assert slurm_job() is None and not started_again() and cluster_plugins() == []


def test_a_step_of_slurm_is_told_the_signal_that_submitit_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_NTASKS", "1")
    monkeypatch.setenv("SLURM_JOB_NAME", "sweep")
    (plugin,) = cluster_plugins()
    assert plugin.requeue_signal == signal.SIGUSR2 and not plugin.auto_requeue


def test_a_job_of_an_array_has_two_numbers_and_knows_its_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    assert slurm_job() == "12"
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "11")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert slurm_job() == "11_3" and started_again()


def test_who_asks_for_another_start(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def scontrol(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(words)
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(subprocess, "run", scontrol)
    ask_for_another_start(signal.SIGUSR1, signal.SIG_DFL)
    assert asked == [], "there is no cluster"
    ask_for_another_start(signal.SIGUSR2, lambda number, frame: asked.append(number))
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    ask_for_another_start(signal.SIGUSR1, signal.SIG_DFL)
    monkeypatch.setenv("SLURM_PROCID", "1")
    ask_for_another_start(signal.SIGUSR1, signal.SIG_DFL)
    assert asked == [signal.SIGUSR2, ["scontrol", "requeue", "12"]], "submitit's handler first, and only one process of a job"


def test_where_slurms_programs_are_missing_the_run_ends_as_it_would(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A container seldom holds scontrol; the position is kept all the same."""
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    for error in (FileNotFoundError("scontrol"), subprocess.TimeoutExpired("scontrol", 60)):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(subprocess, "run", fail)
        ask_for_another_start(signal.SIGUSR1, signal.SIG_DFL)
        assert "could not be asked to queue job 12 again" in caplog.text and "scontrol" in caplog.messages[-1]


def test_a_warning_outside_of_the_steps_has_the_job_queued_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("cellml.preemption.ask_for_another_start", lambda number, handler: asked.append(number))
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        with pytest.raises(Terminated), another_start_if_warned():
            os.kill(os.getpid(), number)
            raise AssertionError("not reached")
        assert signal.getsignal(number) is signal.SIG_DFL
    assert asked == [signal.SIGUSR1, signal.SIGUSR2]


def test_submitits_own_handler_stays() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR2, lambda number, frame: seen.append(number))
    try:
        with another_start_if_warned():
            os.kill(os.getpid(), signal.SIGUSR2)
        assert seen == [signal.SIGUSR2]
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_a_loader_outlives_the_signals_of_its_job_for_a_while() -> None:
    assert subprocess.run([sys.executable, "-c", _LOADER], timeout=60, check=False).returncode == 0


_LOADER = """
import os, signal, sys, time
import cellml.preemption as preemption
preemption._GRACE_S = 1
seen, say = os.pipe()
child = os.fork()
if child == 0:
    preemption.leave_signals_to_training()
    os.write(say, b"x")
    for _ in range(100):
        time.sleep(0.1)
    os._exit(1)
os.read(seen, 1)
begun = time.monotonic()
for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
    os.kill(child, number)
_, status = os.waitpid(child, 0)
sys.exit(0 if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM and time.monotonic() - begun > 0.9 else 2)
"""
