"""A batch of jobs by submitit of which some may die: they are begun again, and marked as failed where that does not help."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, filter_overrides

from cellml.errors import CellmlError
from cellml.sweeps.job_record import mark_failed

log = logging.getLogger(__name__)

Overrides = Sequence[Sequence[str]]


def launch(launcher: Any, job_overrides: Overrides, first: int) -> list[JobReturn]:
    """Submit a job for each list of overrides, numbered from `first`, and return what became of each.

    A job that ends without an answer (killed, out of memory, its node lost) is begun again, at most `retries` times, in its own folder,
    where training goes on from its last checkpoint. One that raised an error, or that somebody cancelled, is not: the same would
    happen again, and who cancels means it. No job's end is the end of the others.
    """
    settings = dict(launcher.params)
    retries, poll_s = int(settings.pop("retries")), float(settings.pop("poll_s"))
    slurm = launcher._EXECUTOR == "slurm"
    room = len(job_overrides) if slurm else int(settings.pop("array_parallelism"))  # SLURM keeps to it itself
    executor = _executor(launcher, settings)
    Path(str(launcher.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
    calls = [(list(o), "hydra.sweep.dir", first + i, f"job_id_for_{first + i}", Singleton.get_state()) for i, o in enumerate(job_overrides)]
    waiting, running = list(range(len(calls))), dict[int, Any]()
    starts, returns = [0] * len(calls), dict[int, JobReturn]()
    while len(returns) < len(calls):
        batch, waiting = waiting[: room - len(running)], waiting[room - len(running) :]
        running |= dict(zip(batch, _submit(executor, launcher, [calls[i] for i in batch]), strict=True))
        for i in batch:
            starts[i] += 1
            log.info("\t#%d : %s%s", first + i, " ".join(filter_overrides(job_overrides[i])), " (again)" if starts[i] > 1 else "")
        time.sleep(poll_s)
        for i, job in _ended(running):
            del running[i]
            answer, may_go_on = _answer(job, first + i, job_overrides[i])
            if may_go_on and starts[i] <= retries:
                log.warning("Job #%d died; it is begun again (%d of %d).", first + i, starts[i], retries)
                waiting.append(i)
            else:
                returns[i] = answer
                if answer.status == JobStatus.FAILED:
                    mark_failed(_folder(launcher, job_overrides[i], first + i), str(answer._return_value))
    return [returns[i] for i in range(len(calls))]


def launch_apart(together: Callable[[Overrides, int], Sequence[JobReturn]], job_overrides: Overrides, first: int) -> list[JobReturn]:
    """Run jobs in one pool of processes; where a killed process takes the pool down, each alone, so that only the culprit fails."""
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        return list(together(job_overrides, first))
    except TerminatedWorkerError:
        log.warning("A job was killed, and the pool of processes with it; each job is begun again in a pool of its own.")
    returns: list[JobReturn] = []
    for i, overrides in enumerate(job_overrides):
        try:
            returns += together([overrides], first + i)
        except TerminatedWorkerError as error:
            returns.append(_failed(overrides, CellmlError(f"Job #{first + i} was killed twice ({type(error).__name__}).")))
    return returns


def _folder(launcher: Any, overrides: Sequence[str], number: int) -> Path:
    """The folder of a job, as Hydra names it."""
    from omegaconf import open_dict

    config = launcher.hydra_context.config_loader.load_sweep_config(launcher.config, list(overrides))
    with open_dict(config.hydra.job):
        config.hydra.job.num = number
    return Path(str(config.hydra.sweep.dir)) / str(config.hydra.sweep.subdir)


def _executor(launcher: Any, settings: dict[str, Any]) -> Any:
    """Submitit's executor with the resources that the configuration asks for."""
    import submitit
    from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf
    from omegaconf import OmegaConf

    kind = launcher._EXECUTOR
    first = {"folder": settings.pop("submitit_folder")}
    if "max_num_timeout" in settings:
        first[f"{kind}_max_num_timeout"] = settings.pop("max_num_timeout")
    common = set(OmegaConf.structured(BaseQueueConf).keys())
    executor = submitit.AutoExecutor(cluster=kind, **first)
    executor.update_parameters(**{name if name in common else f"{kind}_{name}": value for name, value in settings.items()})
    return executor


def _submit(executor: Any, launcher: Any, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    if not calls:
        return []
    return list(executor.map_array(launcher, *zip(*calls, strict=True)))


def _ended(running: dict[int, Any]) -> list[tuple[int, Any]]:
    """The jobs that are over; the cluster is asked once for all of them."""
    if running:
        next(iter(running.values())).get_info(mode="force")
    return [(i, job) for i, job in running.items() if job.done()]


def _answer(job: Any, number: int, overrides: Sequence[str]) -> tuple[JobReturn, bool]:
    """What a job returned, and whether it died in a way that another start could mend."""
    import submitit

    try:
        return job.results()[0], False
    except submitit.core.utils.FailedJobError as error:  # a kind of the next
        return _failed(overrides, CellmlError(f"Job #{number} failed before it began to train: {error}")), False
    except submitit.core.utils.UncompletedJobError as error:
        last = str(error).strip().splitlines()[-1:]
        state = str(job.state)
        reason = f"Job #{number} died without an answer (state {state}). Its log, {job.paths.stderr}, ends: {''.join(last)}"
        return _failed(overrides, CellmlError(reason)), "CANCELLED" not in state


def _failed(overrides: Sequence[str], error: Exception) -> JobReturn:
    log.warning("%s", error)
    return JobReturn(overrides=list(overrides), status=JobStatus.FAILED, _return_value=error)
