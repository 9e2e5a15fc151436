"""Dask clusters as engines: every worker a watched process of one thread, every job tried again where its process dies."""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from cellml.blocks.attempt import attempted, digest_of, get_ready
from cellml.blocks.engine import Run
from cellml.blocks.workers import ENVIRONMENT, Outcome, Spent, Work, worker_environment
from cellml.errors import CellmlError

# A job whose process died is blamed at once: retries are counted here.
_SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.nanny.pre-spawn-environ": ENVIRONMENT,
    "distributed.worker.daemon": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.admin.tick.limit": "1h",
    "distributed.comm.timeouts.connect": "60s",
}


@dataclass(frozen=True)
class LocalDask:
    """A Dask cluster of this machine. workers: processes; memory_gb: of each, above which it is started anew, None for no limit."""

    workers: int = 2
    memory_gb: float | None = None

    @contextmanager
    def opened(self) -> Iterator[Run]:
        """As `Engine`. Raises CellmlError where Dask is not installed."""
        distributed = _distributed()
        limit = 0 if self.memory_gb is None else int(self.memory_gb * 1e9)
        options = {"processes": True, "memory_limit": limit, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
        with (
            _configured(),
            worker_environment(),  # which Dask itself would leave as it is afterwards
            distributed.LocalCluster(n_workers=self.workers, threads_per_worker=1, **options) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            yield partial(dask_jobs, client)


@dataclass(frozen=True)
class SlurmDask:
    """Workers that SLURM starts, each a job of one process and one thread; the folder of the run must be seen by all nodes.

    workers: jobs to ask for; queue, account, walltime, memory: as `sbatch` takes them; directives: further lines for `#SBATCH`; prologue:
    shell lines before the worker starts (module loads, proxies); python: the command that starts it, such as one in a container, the
    interpreter that runs if None; patience_s: how long to wait for the first worker.
    """

    workers: int = 8
    queue: str | None = None
    account: str | None = None
    walltime: str = "04:00:00"
    memory: str = "8GB"
    directives: Sequence[str] = ()
    prologue: Sequence[str] = ()
    python: str | None = None
    patience_s: float = 3600.0

    @contextmanager
    def opened(self) -> Iterator[Run]:
        """As `Engine`. Raises CellmlError where dask-jobqueue is not installed, or no worker comes in time."""
        distributed = _distributed()
        with _configured(), self.cluster() as cluster, distributed.Client(cluster, set_as_default=False) as client:
            cluster.scale(jobs=self.workers)
            try:
                client.wait_for_workers(1, timeout=self.patience_s)
            except TimeoutError as error:
                raise CellmlError(
                    f"SLURM started no worker within {self.patience_s:g} s; look at `squeue`, and at queue={self.queue}, "
                    f"walltime={self.walltime} and memory={self.memory}."
                ) from error
            yield partial(dask_jobs, client)

    def cluster(self) -> Any:
        """dask-jobqueue's cluster, without workers yet; its `job_script()` is what `sbatch` is given."""
        try:
            from dask_jobqueue.slurm import SLURMCluster
        except ImportError as error:
            raise CellmlError(f"cluster=slurm needs dask-jobqueue ({error}); install cellml[cluster].") from error
        return SLURMCluster(
            queue=self.queue,
            account=self.account,
            cores=1,
            processes=1,
            memory=self.memory,
            walltime=self.walltime,
            python=self.python,
            job_extra_directives=list(self.directives),
            job_script_prologue=[*(f"export {name}={value}" for name, value in ENVIRONMENT.items()), *self.prologue],
            scheduler_options={"dashboard_address": ":0"},
        )


def dask_jobs(
    client: Any, prepare: Callable[[], Work], jobs: Sequence[Any], *, timeout_s: float = 120.0, tries: int = 2
) -> Iterator[Outcome]:
    """As `cellml.blocks.workers.run_jobs`, on the workers of a Dask client.

    A worker whose job takes longer than timeout_s of processor time, or twenty times as long by the clock, is ended by its own timer and
    started anew by its nanny, as one that is killed or runs out of memory is; the job is tried again. Where there are fewer jobs than
    workers, all get ready for them: later stages ask for the same libraries, which then need not be imported by one while others compute.
    """
    from distributed import as_completed, fire_and_forget

    (digest, packed), run = digest_of(prepare), secrets.token_hex(6)
    waiting, spent = deque(range(len(jobs))), {number: Spent() for number in range(len(jobs))}
    running, ended = dict[Any, tuple[int, float]](), as_completed(loop=client.loop)
    for place in client.nthreads() if len(jobs) < len(client.nthreads()) else ():
        fire_and_forget(client.submit(get_ready, digest, packed, key=f"cellml-{run}-{place}", workers=[place], pure=False))
    while waiting or running:
        # One job a worker: where a process dies, no other job is taken for the cause.
        while waiting and len(running) < max(1, len(client.nthreads())):
            number = waiting.popleft()
            spent[number].tries += 1
            key = f"cellml-{run}-{number}-{spent[number].tries}"
            future = client.submit(attempted, digest, packed, jobs[number], spent[number].tries, timeout_s, key=key, pure=False)
            running[future] = number, time.monotonic()
            ended.add(future)
        future = next(ended)
        number, begun = running.pop(future)
        one = spent[number]
        answer = _answer(future, timeout_s, time.monotonic() - begun)
        if answer is None:
            waiting.append(number)
            one.tries -= 1
            continue
        good, value, wall_s, cpu_s = answer
        one.wall_s, one.cpu_s = one.wall_s + wall_s, one.cpu_s + cpu_s
        if good:
            yield one.answered(number, value)
            continue
        one.reasons.append(value)
        if one.tries < tries:
            waiting.append(number)
        else:
            yield one.given_up(number)


def _answer(future: Any, timeout_s: float, passed_s: float) -> tuple[bool, Any, float, float] | None:
    """Whether it went well, the value or the reason why not, and its times; None where the answer was lost with the worker that had it.

    passed_s: by the clock, since the job was handed out, which is what is known of the time of a job whose process died.
    """
    if future.status == "finished":
        try:
            return future.result()  # type: ignore[no-any-return]
        except Exception:  # its worker died of another job before the answer was fetched: Dask has as many errors for that as moments
            return None
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        causes = f"killed, out of memory, or over its limit of {timeout_s:g} s of processor time"
        return False, f"its process died after {passed_s:.3g} s by the clock: {causes}", passed_s, 0.0
    return False, f"{type(error).__name__}: {error}", passed_s, 0.0


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise CellmlError(
            f"This cluster needs Dask ({error}); install cellml[cluster], or choose cluster=processes, which needs nothing more."
        ) from error
    return distributed


@contextmanager
def _configured() -> Iterator[None]:
    """Dask's settings, and its loggers silent: they tell of every worker that ends, and what goes wrong in a job comes back with it.

    They stay silent where Ctrl-C or a signal ends all, for what Dask then says comes later.
    """
    import dask

    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client", "tornado.application", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with dask.config.set(_SETTINGS):
            yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        _restore(loggers, levels)
        raise
    _restore(loggers, levels)


def _restore(loggers: Sequence[logging.Logger], levels: Sequence[int]) -> None:
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
