"""Jobs that a cluster stops and starts again: which start this is, and how another one is asked for."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from cellml.termination import Terminated

log = logging.getLogger(__name__)

# What clusters send before they stop a job: SLURM SIGTERM, submitit SIGUSR2, scripts with `sbatch --signal=USR1@120` SIGUSR1.
REQUEUE_SIGNALS = (signal.SIGUSR1, signal.SIGUSR2)
_GRACE_S = 60  # for a loader process after SIGTERM, in which the training that it works for ends its step


def started_again() -> bool:
    """Whether SLURM has started this job before, so that what stands in its folder is its own."""
    return os.environ.get("SLURM_RESTART_COUNT", "0") not in ("", "0")


def slurm_job() -> str | None:
    """The number by which SLURM knows this job, ARRAY_TASK in an array; None outside of SLURM."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")


def cluster_plugins() -> list[Any]:
    """Lightning's view of SLURM where a job step of it is running, else none.

    submitit has SLURM send SIGUSR2 before it stops a job. Lightning would save in the middle of a step; `KeepPosition` ends the step, keeps
    the position and asks for another start itself, so Lightning is told the signal and to leave it alone.
    """
    from pytorch_lightning.plugins.environments import SLURMEnvironment

    if slurm_job() is None or not SLURMEnvironment.detect():  # detect() warns wherever SLURM is installed and not used
        return []
    return [SLURMEnvironment(auto_requeue=False, requeue_signal=signal.SIGUSR2)]


def ask_for_another_start(number: int, handler: Callable[[int, Any], Any] | Any) -> None:
    """Have the job queued again: by the handler that was there before training (submitit's, which ends the process), or by SLURM."""
    if callable(handler):
        handler(number, None)
        return
    job = slurm_job()
    if job is None or os.environ.get("SLURM_PROCID", "0") != "0":
        return
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:  # as in a container without SLURM's programs
        log.warning("SLURM could not be asked to queue job %s again: %s", job, error)
        return
    if done.returncode:
        log.warning("SLURM would not queue job %s again: %s", job, done.stderr.strip())


@contextmanager
def another_start_if_warned() -> Iterator[None]:
    """While a training prepares itself or chooses its decoder, where no step is to be finished: SIGUSR1 and SIGUSR2 have the job queued
    again and end it at once, by Terminated. By default they would end the process, and nobody would start it again.

    Does nothing outside of the main thread, and leaves a signal that someone else, such as submitit, has taken over.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours, taken = os.getpid(), [number for number in REQUEUE_SIGNALS if signal.getsignal(number) is signal.SIG_DFL]

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != ours:  # a worker that was forked from us ends as it would have without us
            os.kill(os.getpid(), number)
        ask_for_another_start(number, None)
        raise Terminated

    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def leave_signals_to_training() -> None:
    """In a process that loads patches: go on until the training, which got the same signal, has ended its step and ends its loaders.

    Clusters signal every process of a job, terminals every process in the foreground, and a loader that dies takes the training with it,
    before its position is kept. After SIGTERM it is given a minute, so that one that is to end alone does so.
    """
    for number in (signal.SIGINT, *REQUEUE_SIGNALS):
        signal.signal(number, signal.SIG_IGN)

    def last_minute(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        signal.alarm(_GRACE_S)

    signal.signal(signal.SIGTERM, last_minute)
