from __future__ import annotations

import signal
import subprocess
from typing import Any

import pytest

from cellml.preemption import ask_for_another_start, cluster_plugins, slurm_job, started_again

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
