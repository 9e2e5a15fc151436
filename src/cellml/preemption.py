"""Jobs that a cluster stops and starts again: which start this is, and how another one is asked for."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

# What clusters send before they stop a job: SLURM SIGTERM, submitit SIGUSR2, scripts with `sbatch --signal=USR1@120` SIGUSR1.
REQUEUE_SIGNALS = (signal.SIGUSR1, signal.SIGUSR2)


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
    done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        log.warning("SLURM would not queue job %s again: %s", job, done.stderr.strip())
