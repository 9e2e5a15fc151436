"""A training in a folder of its own, which it may find again: as a job of a sweep, after preemption, or because the user asked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError
from cellml.hydra_job import in_sweep, job_overrides
from cellml.preemption import slurm_job, started_again
from cellml.run_folder import held_folder, own_position
from cellml.sweeps.job_record import read_record, recorded

log = logging.getLogger(__name__)


def train_in_own_folder(folder: Path, config: Any, steps: Callable[[], float | None]) -> float | None:
    """Hold the folder, keep its `job.json`, and run `steps` there, unless this very job was finished before; its objective's value.

    Raises CellmlError if the folder is another run's, and for a job of a sweep that would start processes itself.
    """
    sweep = in_sweep()
    if sweep:
        _require_one_process(config)
    again = _may_begin_again(config, folder)
    identity = [word for word in job_overrides() if not word.startswith("resume=")]  # one may ask to go on only the second time
    with held_folder(folder, identity, again=again, patience_s=-1 if sweep else 15):
        if was_finished(config, folder):
            log.info("%s was finished before.", folder)
            record = read_record(folder)
            return None if record is None else record.value
        with recorded(folder, job_overrides(), str(config.training.objective)) as value:
            value.append(steps())
    return value[0]


def was_finished(config: Any, folder: Path) -> bool:
    """Whether this very run was trained to its end before, so that none of its processes has anything to do."""
    record = read_record(folder) if _may_begin_again(config, folder) and (folder / "model.ckpt").is_file() else None
    return record is not None and record.state == "done"


def _may_begin_again(config: Any, folder: Path) -> bool:
    return in_sweep() or started_again() or resumes_itself(config, folder)


def resumes_itself(config: Any, folder: Path) -> bool:
    """Whether `resume` names the run's own folder: begin there, or go on from what stands there."""
    return bool(config.resume) and Path(str(config.resume)).resolve() == folder.resolve()


def _require_one_process(config: Any) -> None:
    """A process that training starts repeats the command, and the command of a job is the whole sweep; on SLURM all are started at once."""
    devices = config.trainer.devices
    if (_may_be_several(devices) or config.trainer.get("num_nodes", 1) > 1) and slurm_job() is None:
        raise CellmlError(
            f"trainer.devices is {devices}, and a job of a sweep trains in one process where there is no SLURM. Use hydra/launcher=slurm "
            f"with hydra.launcher.tasks_per_node={devices}, or leave --multirun out and train one at a time."
        )


def _may_be_several(devices: Any) -> bool:
    """Whether `trainer.devices` asks for several processes: 2, "2", [0,1], "0,1"; or, as -1 and auto do, for as many as there are."""
    words = [word for word in str(devices).strip("[]").split(",") if word.strip()]
    return len(words) > 1 or (isinstance(devices, int | str) and words != ["1"])


def where_to_go_on(config: Any, folder: Path) -> str | None:
    """The checkpoint that a run goes on from: its folder's own, or the one that `resume` names; None to begin."""
    own = own_position(folder)
    if own is not None:
        return str(own)
    return None if resumes_itself(config, folder) else config.resume
