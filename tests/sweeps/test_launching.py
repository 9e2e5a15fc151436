"""The launcher's rules, with jobs that only pretend; real ones stand in tests/slurm and tests/test_sweep.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

submitit = pytest.importorskip("submitit")
pytest.importorskip("hydra_plugins.hydra_submitit_launcher")

from hydra.core.utils import JobReturn, JobStatus  # noqa: E402

from cellml.errors import CellmlError  # noqa: E402
from cellml.sweeps import launching  # noqa: E402
from cellml.sweeps.job_record import read_record  # noqa: E402


class Job:
    """A job that ends with what it is given: a number, or an error."""

    def __init__(self, end: Any, state: str = "COMPLETED") -> None:
        self.end, self.state = end, state
        self.paths = SimpleNamespace(stderr="log")

    def get_info(self, mode: str) -> None: ...

    def done(self) -> bool:
        return True

    def results(self) -> list[JobReturn]:
        if isinstance(self.end, Exception):
            raise self.end
        return [JobReturn(status=JobStatus.COMPLETED, _return_value=self.end)]


class Executor:
    """Gives the jobs of `plan`: for each number, how its starts end."""

    def __init__(self, plan: dict[int, list[Job]]) -> None:
        self.plan, self.batches = plan, list[list[int]]()

    def map_array(self, launcher: Any, overrides: Any, keys: Any, numbers: Sequence[int], *_: Any) -> list[Job]:
        self.batches.append(list(numbers))
        return [self.plan[number].pop(0) for number in numbers]


def launched(monkeypatch: pytest.MonkeyPatch, folder: Path, plan: dict[int, list[Job]], kind: str, **settings: Any) -> Any:
    executor = Executor(plan)
    monkeypatch.setattr(launching, "_executor", lambda launcher, given: executor)
    config = SimpleNamespace(hydra=SimpleNamespace(sweep=SimpleNamespace(dir=str(folder))))
    params = {"retries": 1, "poll_s": 0.0, "array_parallelism": 2, **settings}
    launcher = SimpleNamespace(params=params, _EXECUTOR=kind, config=config)
    monkeypatch.setattr(launching, "_folder", lambda launcher, overrides, number: folder / str(number))
    numbers = sorted(plan)
    return executor, launching.launch(launcher, [[f"seed={number}"] for number in numbers], numbers[0])


def dead() -> Exception:
    return submitit.core.utils.UncompletedJobError("gone\nkilled")


def test_a_job_that_died_begins_again_and_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    executor, returns = launched(monkeypatch, tmp_path, {7: [Job(1.0)], 8: [Job(dead(), "OUT_OF_MEMORY"), Job(2.0)]}, "slurm")
    assert [r.return_value for r in returns] == [1.0, 2.0] and executor.batches == [[7, 8], [8]]


@pytest.mark.parametrize(
    ("end", "state", "starts"),
    [
        (dead(), "NODE_FAIL", 2),
        (dead(), "CANCELLED by 0", 1),
        (submitit.core.utils.FailedJobError("no such key"), "FAILED", 1),
    ],
)
def test_what_cannot_be_mended_is_marked_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: Exception, state: str, starts: int
) -> None:
    executor, returns = launched(monkeypatch, tmp_path, {0: [Job(end, state)] * 3, 1: [Job(2.0)]}, "slurm")
    assert returns[0].status == JobStatus.FAILED and returns[1].return_value == 2.0
    assert sum(batch.count(0) for batch in executor.batches) == starts
    with pytest.raises(CellmlError, match=f"Job #0 .*({state}|before it began)"):
        _ = returns[0].return_value


def test_a_job_that_was_killed_on_another_machine_does_not_seem_to_run_for_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number, state in enumerate(("running", "done")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / f"{number}/job.json").write_text(json.dumps({"state": state, "host": "another", "process": 1}))
    launched(monkeypatch, tmp_path, {n: [Job(dead(), "CANCELLED by 0")] for n in range(3)}, "slurm")
    marked, ended = (read_record(tmp_path / str(number)) for number in (0, 1))
    assert marked is not None and marked.state == "failed" and "Job #0 died without an answer" in marked.error
    assert ended is not None and ended.state == "done" and not (tmp_path / "2").exists()


def test_this_machine_is_not_given_more_jobs_at_a_time_than_it_was_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plan = {number: [Job(float(number))] for number in range(5)}
    executor, returns = launched(monkeypatch, tmp_path, plan, "local")
    assert executor.batches == [[0, 1], [2, 3], [4]] and [r.return_value for r in returns] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_where_the_pool_breaks_each_job_has_its_own() -> None:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    calls: list[tuple[int, int]] = []

    def together(job_overrides: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
        calls.append((first, len(job_overrides)))
        if len(job_overrides) > 1 or job_overrides[0] == ["seed=2"]:
            raise TerminatedWorkerError("killed")
        return [JobReturn(status=JobStatus.COMPLETED, _return_value=float(first))]

    returns = launching.launch_apart(together, [["seed=1"], ["seed=2"], ["seed=3"]], 4)
    assert calls == [(4, 3), (4, 1), (5, 1), (6, 1)]
    assert [r.status.name for r in returns] == ["COMPLETED", "FAILED", "COMPLETED"] and returns[2].return_value == 6.0
