"""Many jobs in processes of their own: each with a time limit, tried again once, and never taking the others with it."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

from cellml.errors import CellmlError

# A worker is one processor's work: what would start threads of its own is told not to. And it keeps the memory that it has freed, in large
# pages: a network asks for the same arrays tile after tile, and fetching them from the system each time is what two workers wait for.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "MALLOC_MMAP_MAX_": "0",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
PATIENCE = 20.0  # by the clock, in multiples of the limit of processor time: other work on the machine must not end ours

Work = Callable[[Any, int], Any]


@dataclass(frozen=True)
class Outcome:
    """What became of a job. number: of the job; value: what the work returned, None where it failed for `reason`; tries: how often it was
    begun; wall_s, cpu_s: of all tries, cpu_s with that of the processes they started, without tries that were ended from outside.
    """

    number: int
    value: Any
    reason: str
    tries: int
    wall_s: float
    cpu_s: float


@dataclass(eq=False)
class _Worker:
    process: Any
    pipe: Connection
    number: int = -1  # of the job at hand, −1 where there is none
    begun: float = 0.0
    deadline: float = float("inf")


@dataclass
class Spent:
    """What the tries of a job have taken so far, and why they failed."""

    tries: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    reasons: list[str] = field(default_factory=list)

    def answered(self, number: int, value: Any) -> Outcome:
        """The outcome of a job that went well."""
        return Outcome(number, value, "", self.tries, self.wall_s, self.cpu_s)

    def given_up(self, number: int) -> Outcome:
        """The outcome of a job that failed every time."""
        return Outcome(number, None, "; then ".join(dict.fromkeys(self.reasons)), self.tries, self.wall_s, self.cpu_s)


def run_jobs(
    prepare: Callable[[], Work], jobs: Sequence[Any], *, workers: int = 2, timeout_s: float = 120.0, tries: int = 2
) -> Iterator[Outcome]:
    """The outcome of each job, in the order in which they end.

    prepare: called once in each worker, gives the work (job, number of the try from 1) → value; it and the jobs are pickled. A try fails
    where the work raises, takes longer than timeout_s of its process's processor time, or twenty times as long by the clock, or its
    process dies; it is begun again until it was tried `tries` times. What a worker has started is ended with it. Raises CellmlError for
    less than one worker, or a limit that is not positive.
    """
    if workers < 1 or tries < 1 or not timeout_s > 0:
        raise CellmlError(f"workers={workers}, tries={tries} and timeout_s={timeout_s} must be at least 1, 1 and above 0.")
    waiting, spent = deque(range(len(jobs))), {number: Spent() for number in range(len(jobs))}
    crew: list[_Worker] = []
    try:
        while waiting or any(worker.number >= 0 for worker in crew):
            crew += [_started(prepare, timeout_s) for _ in range(min(workers, len(waiting) + _busy(crew)) - len(crew))]
            for worker in [w for w in crew if w.number < 0][: len(waiting)]:
                _hand_out(worker, waiting.popleft(), jobs, spent, timeout_s)
            for worker, failure, answer in _answers(crew):
                number, one = worker.number, spent[worker.number]
                one.wall_s += time.monotonic() - worker.begun
                if answer is None:
                    _end(worker)
                    crew.remove(worker)
                else:
                    worker.number = -1
                    one.cpu_s += answer[2]
                    failure = "" if answer[0] else answer[1]
                if not failure:
                    yield one.answered(number, answer[1] if answer else None)
                    continue
                one.reasons.append(failure)
                if one.tries < tries:
                    waiting.append(number)
                else:
                    yield one.given_up(number)
    finally:
        for worker in crew:
            _end(worker)


def _busy(crew: Sequence[_Worker]) -> int:
    return sum(worker.number >= 0 for worker in crew)


def _hand_out(worker: _Worker, number: int, jobs: Sequence[Any], spent: dict[int, Spent], timeout_s: float) -> None:
    spent[number].tries += 1
    worker.number, worker.begun = number, time.monotonic()
    worker.deadline = worker.begun + PATIENCE * timeout_s
    with suppress(BrokenPipeError):  # a dead worker is found when its answer is waited for
        worker.pipe.send((jobs[number], spent[number].tries))


def _answers(crew: Sequence[_Worker]) -> list[tuple[_Worker, str, tuple[bool, Any, float] | None]]:
    """Workers that are done: why the process is lost, or what it answered. Waits for the first, or for a limit."""
    busy = {worker.pipe: worker for worker in crew if worker.number >= 0}
    soonest = min(worker.deadline for worker in busy.values())
    found: list[tuple[_Worker, str, tuple[bool, Any, float] | None]] = []
    for pipe in wait(list(busy), timeout=max(0.0, soonest - time.monotonic())):
        worker = busy[pipe]  # type: ignore[index]
        try:
            found.append((worker, "", worker.pipe.recv()))
        except (EOFError, OSError):
            worker.process.join(5.0)
            found.append((worker, _ending(worker), None))
    done = {id(one[0]) for one in found}
    late = [w for w in busy.values() if id(w) not in done and time.monotonic() > w.deadline]
    return [*found, *((w, f"it took longer than {w.deadline - w.begun:.3g} s by the clock", None) for w in late)]


def _ending(worker: _Worker) -> str:
    """Why a process ended, in words."""
    code = worker.process.exitcode
    if code == -signal.SIGPROF:
        return f"it took more processor time than {(worker.deadline - worker.begun) / PATIENCE:.3g} s"
    how = f"signal {-code}, such as for want of memory" if code is not None and code < 0 else f"code {code}"
    return f"its process ended with {how}"


def _started(prepare: Callable[[], Work], timeout_s: float) -> _Worker:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, prepare, timeout_s), daemon=False)
    with worker_environment():
        process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(pipe: Connection, prepare: Callable[[], Work], timeout_s: float) -> None:
    """The life of a worker: jobs come through the pipe until its other end is closed. SIGPROF ends it where a job takes too long."""
    os.setsid()  # so that it can be ended together with the processes that it starts
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work: Work | None = None
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            job, attempt = pipe.recv()
            begun = processor_s()
            try:
                work = work or prepare()
                signal.setitimer(signal.ITIMER_PROF, timeout_s)
                answer = (True, work(job, attempt))
            except CellmlError as error:
                answer = (False, str(error))
            except Exception as error:  # a defect met in one shape must neither hide nor take the others with it
                answer = (False, f"{type(error).__name__}: {error}")
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            pipe.send((*answer, processor_s() - begun))


def processor_s() -> float:
    """Seconds of the processor that this process and those that it has waited for have taken."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _end(worker: _Worker) -> None:
    """End a worker and what it has started; an idle one by closing its pipe."""
    if worker.number < 0 and worker.process.is_alive():
        worker.pipe.close()
        worker.process.join(2.0)
    if worker.process.is_alive():
        worker.process.kill()
    with suppress(ProcessLookupError, PermissionError):  # its group is named by its number, and holds what it has started
        os.killpg(worker.process.pid, signal.SIGKILL)
    worker.process.join()
    worker.pipe.close()


@contextmanager
def worker_environment() -> Iterator[None]:
    """Processes started meanwhile have a worker's environment, whatever this one has, which gets its own back."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ |= ENVIRONMENT
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
