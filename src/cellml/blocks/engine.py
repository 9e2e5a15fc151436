"""Where jobs run: in this process, or in others of this machine; `cellml.blocks.dask_engine` adds clusters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from cellml.blocks.workers import Outcome, Work, run_jobs
from cellml.errors import CellmlError


class Run(Protocol):
    """`cellml.blocks.workers.run_jobs` on the workers of an engine."""

    def __call__(self, prepare: Callable[[], Work], jobs: Sequence[Any], *, timeout_s: float, tries: int) -> Iterator[Outcome]:
        """The outcome of each job, in the order in which they end."""
        ...


class Engine(Protocol):
    """Something that has workers."""

    @property
    def workers(self) -> int:
        """How many, each of one thread."""
        ...

    def opened(self) -> AbstractContextManager[Run]:
        """Start the workers for as long as the context lasts."""
        ...


@dataclass(frozen=True)
class Processes:
    """Processes of this machine, without further packages. workers: how many."""

    workers: int = 2

    @contextmanager
    def opened(self) -> Iterator[Run]:
        """As `Engine`; processes start with the first job of each stage."""
        yield partial(run_jobs, workers=self.workers)


@dataclass(frozen=True)
class Here:
    """The process that asks, alone, for small volumes and for looking into what goes wrong; no time limit holds, and a crash ends all."""

    workers: int = 1

    @contextmanager
    def opened(self) -> Iterator[Run]:
        """As `Engine`."""
        yield _in_turn


def _in_turn(prepare: Callable[[], Work], jobs: Sequence[Any], *, timeout_s: float, tries: int) -> Iterator[Outcome]:
    work = prepare()
    for number, job in enumerate(jobs):
        begun, used = time.monotonic(), time.process_time()
        try:
            value, reason = work(job, 1), ""
        except CellmlError as error:
            value, reason = None, str(error)
        yield Outcome(number, value, reason, 1, time.monotonic() - begun, time.process_time() - used)


def engine_of(cluster: Any, workers: int | None = None) -> Engine:
    """The engine that a configuration (`_target_` and arguments) describes, with another number of workers where one is given.

    None stands for `Processes`. Raises CellmlError for what is no engine, and for less than one worker.
    """
    from hydra.utils import instantiate

    if workers is not None and workers < 1:
        raise CellmlError(f"workers={workers}: one is the least.")
    more = {} if workers is None else {"workers": workers}
    if cluster is None:
        return Processes(**more)
    engine = instantiate({**cluster, **more}, _convert_="all") if isinstance(cluster, dict) else cluster
    if not hasattr(engine, "opened") or not hasattr(engine, "workers"):
        raise CellmlError(f"cluster={cluster} is no engine; choose cluster=local, cluster=slurm or cluster=processes.")
    if engine.workers < 1:
        raise CellmlError(f"cluster.workers={engine.workers}: one is the least.")
    return engine  # type: ignore[no-any-return]
