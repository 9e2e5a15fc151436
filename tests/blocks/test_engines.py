"""Engines: each job done, tried again where a process dies, and none taking the others with it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cellml.blocks.engine import Here, Processes, engine_of
from cellml.blocks.workers import ENVIRONMENT
from cellml.errors import CellmlError


@dataclass(frozen=True)
class Misbehaving:
    """Work that squares, and dies, hangs or raises where it is told to; what was begun is noted in a folder."""

    folder: Path

    def prepare(self) -> Callable[[Any, int], int]:
        return self.work

    def work(self, job: Any, attempt: int) -> int:
        kind, number = job
        (self.folder / f"{number}-{attempt}").touch()
        if kind == "killed once" and attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        while kind == "endless":
            pass
        if kind == "wrong":
            raise ValueError("a defect")
        if kind == "bad":
            raise CellmlError("bad input; do otherwise")
        return int(number) ** 2


@dataclass(frozen=True)
class Noting:
    folder: Path

    def prepare(self) -> Callable[[Any, int], int]:
        (self.folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()
        return lambda job, attempt: int(job)


@dataclass(frozen=True)
class Unprepared:
    def prepare(self) -> Callable[[Any, int], int]:
        raise CellmlError("there is no such network")


@dataclass(frozen=True)
class Environment:
    def prepare(self) -> Callable[[Any, int], dict[str, str | None]]:
        return lambda job, attempt: {name: os.environ.get(name) for name in ENVIRONMENT}


JOBS = [("good", 1), ("killed once", 2), ("bad", 3), ("wrong", 4), ("killed", 5), ("endless", 6), *(("good", n) for n in range(7, 12))]


@pytest.fixture(scope="module")
def run() -> Iterator[Any]:
    pytest.importorskip("distributed", reason="clusters need the extra `cluster`")
    from cellml.blocks.dask_engine import LocalDask

    with LocalDask(2).opened() as run:
        yield run


def test_a_dask_cluster_does_what_can_be_done_and_says_why_not(run: Any, tmp_path: Path) -> None:
    found = {o.number: o for o in run(Misbehaving(tmp_path).prepare, JOBS, timeout_s=1.0, tries=2)}
    assert sorted(found) == list(range(len(JOBS)))
    good = [n for n, (kind, _) in enumerate(JOBS) if kind in ("good", "killed once")]
    assert all(found[n].value == JOBS[n][1] ** 2 and not found[n].reason for n in good)
    assert found[1].tries == 2 and found[0].tries == 1
    assert found[2].reason == "bad input; do otherwise" and found[2].tries == 2
    assert found[3].reason == "ValueError: a defect"
    for number in (4, 5):
        assert "its process died" in found[number].reason and found[number].tries == 2
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("1-")) == ["1-1"]  # nothing that went well is done twice


def test_a_dask_cluster_prepares_once_in_a_process(run: Any, tmp_path: Path) -> None:
    found = list(run(Noting(tmp_path).prepare, list(range(20)), timeout_s=10.0, tries=1))
    assert sorted(o.value for o in found) == list(range(20)) and 1 <= len(list(tmp_path.iterdir())) <= 2


def test_workers_without_a_job_get_ready_for_the_next_stage(run: Any, tmp_path: Path) -> None:
    run.args[0].wait_for_workers(2, timeout=60.0)  # other tests kill them
    assert [o.value for o in run(Noting(tmp_path).prepare, [7], timeout_s=10.0, tries=1)] == [7]
    ends = time.monotonic() + 30.0
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < ends:
        time.sleep(0.05)
    assert len({p.name.partition("-")[0] for p in tmp_path.iterdir()}) == 2
    failing = run(Unprepared().prepare, [1], timeout_s=10.0, tries=1)
    assert [o.reason for o in failing] == ["there is no such network"]


@pytest.mark.parametrize("engine", ["processes", "dask"])
def test_workers_have_one_thread_and_keep_their_memory(engine: str, run: Any) -> None:
    if engine == "processes":
        with Processes(1).opened() as other:
            (found,) = other(Environment().prepare, [0], timeout_s=10.0, tries=1)
    else:
        (found,) = run(Environment().prepare, [0], timeout_s=10.0, tries=1)
    assert found.value == ENVIRONMENT


def test_the_environment_of_workers_is_theirs_alone() -> None:
    pytest.importorskip("distributed", reason="clusters need the extra `cluster`")
    from cellml.blocks.dask_engine import LocalDask

    before = dict(os.environ)
    with LocalDask(1).opened() as own:
        assert [o.value for o in own(Environment().prepare, [0], timeout_s=10.0, tries=1)] == [ENVIRONMENT]
    assert dict(os.environ) == before


def test_processes_and_this_process_answer_alike(tmp_path: Path) -> None:
    jobs = [("good", 1), ("bad", 3), ("good", 4)]
    answers = []
    for engine in (Processes(1), Here()):
        with engine.opened() as run:
            answers.append([(o.number, o.value, o.reason) for o in run(Misbehaving(tmp_path).prepare, jobs, timeout_s=60.0, tries=1)])
    assert answers[0] == answers[1] == [(0, 1, ""), (1, None, "bad input; do otherwise"), (2, 16, "")]


def test_engines_of_configurations() -> None:
    assert engine_of(None).workers == 2 and engine_of({"_target_": "cellml.blocks.engine.Processes"}, 5) == Processes(5)
    with pytest.raises(CellmlError, match="one is the least"):
        engine_of(None, 0)
    with pytest.raises(CellmlError, match="is no engine"):
        engine_of({"_target_": "cellml.blocks.grid.Grid", "shape": [1, 1, 1], "block": [1, 1, 1]})


def test_slurm_is_asked_for_single_threads() -> None:
    pytest.importorskip("dask_jobqueue", reason="SLURM needs the extra `cluster`")
    from cellml.blocks.dask_engine import SlurmDask

    engine = SlurmDask(4, queue="cpu", walltime="00:10:00", memory="3GB", directives=["--gres=gpu:1"], prologue=["module load python"])
    with engine.cluster() as cluster:
        script = cluster.job_script()
    for line in (
        "#SBATCH -p cpu",
        "#SBATCH -t 00:10:00",
        "#SBATCH --cpus-per-task=1",
        "#SBATCH --gres=gpu:1",
        "export OMP_NUM_THREADS=1",
        "module load python",
        "--nthreads 1",
    ):
        assert line in script, line


def test_dask_is_silent_while_it_works_and_as_before_afterwards() -> None:
    import logging

    pytest.importorskip("distributed", reason="clusters need the extra `cluster`")
    from cellml.blocks.dask_engine import _configured

    before = logging.getLogger("distributed").level
    with _configured():
        assert not logging.getLogger("distributed.scheduler").isEnabledFor(logging.WARNING)
        assert not logging.getLogger("distributed.client").isEnabledFor(logging.WARNING)
    assert logging.getLogger("distributed").level == before
