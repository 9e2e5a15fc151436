from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")
pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")

from hydra.core.utils import JobReturn, JobStatus  # noqa: E402

from cellml.errors import CellmlError  # noqa: E402
from cellml.sweeps.study import KeptStudy, _consecutive, outcome  # noqa: E402
from cellml.sweeps.study_summary import read_study  # noqa: E402

SPACE = ["lr=interval(0.0,1.0)", "width=1,2", "seed=3"]


class Launcher:
    """Answers (lr − 0.3)², except for the trials that fail; may die in the middle of its first batch."""

    def __init__(self, failing: Sequence[int] = (), dies: bool = False) -> None:
        self.failing, self.dies, self.seen = failing, dies, dict[int, Sequence[str]]()

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        self.seen |= {initial_job_idx + i: overrides for i, overrides in enumerate(job_overrides)}
        if self.dies:
            raise KeyboardInterrupt
        return [self.one(initial_job_idx + i, dict(word.split("=") for word in o)) for i, o in enumerate(job_overrides)]

    def one(self, number: int, given: dict[str, str]) -> JobReturn:
        if number in self.failing:
            return JobReturn(status=JobStatus.FAILED, _return_value=CellmlError(f"job {number} died"))
        return JobReturn(status=JobStatus.COMPLETED, _return_value=(float(given["lr"]) - 0.3) ** 2)


def run(folder: Path, launcher: Launcher, space: list[str] = SPACE, **changes: Any) -> Any:
    usual: dict[str, Any] = {
        "sampler": optuna.samplers.RandomSampler(seed=1),
        "direction": "minimize",
        "study_name": "sweep",
        "n_trials": 6,
    }
    usual |= {"n_jobs": 2, "max_failure_rate": 1.0, "search_space": None, "custom_search_space": None, "params": None}
    study = KeptStudy(**{**usual, "storage": f"sqlite:///{folder / 'study.db'}", **changes})
    study.launcher, study.config, study.sweep_dir = launcher, None, str(folder)
    study.sweep(list(space))
    return optuna.load_study("sweep", f"sqlite:///{folder / 'study.db'}")


def test_failed_trials_are_marked_and_the_study_goes_on(tmp_path: Path) -> None:
    study = run(tmp_path / "new", Launcher(failing=[0, 3]))
    assert [t.state.name for t in study.trials] == ["FAIL", "COMPLETE", "COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[3].user_attrs["failure"] == "job 3 died"
    assert f"best_trial: {study.best_trial.number}" in (tmp_path / "new/optimization_results.yaml").read_text()


def test_the_same_command_does_nothing_and_more_trials_are_added_with_new_values(tmp_path: Path) -> None:
    run(tmp_path, Launcher())
    again, more = Launcher(), Launcher()
    run(tmp_path, again)
    study = run(tmp_path, more, n_trials=9)
    assert not again.seen and sorted(more.seen) == [6, 7, 8]
    assert len({t.params["lr"] for t in study.trials}) == 9, "a seeded sampler does not propose the same again"


def test_trials_that_were_under_way_begin_again_with_their_number_and_values(tmp_path: Path) -> None:
    first, second = Launcher(dies=True), Launcher()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, first)
    study = run(tmp_path, second)
    assert {number: second.seen[number] for number in (0, 1)} == first.seen and len(study.trials) == 6
    assert all(t.state.name == "COMPLETE" for t in study.trials)


def test_fixed_overrides_reach_every_job(tmp_path: Path) -> None:
    launcher = Launcher()
    run(tmp_path, launcher, n_trials=2)
    assert all("seed=3" in overrides and any(o.startswith("width=") for o in overrides) for overrides in launcher.seen.values())


def test_the_grid_is_walked_through_once(tmp_path: Path) -> None:
    from functools import partial

    launcher = Launcher()
    study = run(tmp_path, launcher, ["lr=0.1,0.2,0.3", "width=1,2"], sampler=partial(optuna.samplers.GridSampler), n_trials=50)
    assert len(study.trials) == 6 and len({tuple(sorted(o)) for o in launcher.seen.values()}) == 6


@pytest.mark.parametrize(
    ("launcher", "space", "changes", "message"),
    [
        (Launcher(), ["seed=3"], {}, "Nothing to search"),
        (Launcher(failing=range(9)), SPACE, {}, "None of the 6 trials .* job 0 died"),
        (Launcher(failing=[0, 1]), SPACE, {"max_failure_rate": 0.1}, "2 of 6 trials failed, more than .*=0.1 allows"),
    ],
)
def test_what_ends_a_study(tmp_path: Path, launcher: Launcher, space: list[str], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CellmlError, match=message):
        run(tmp_path, launcher, space, **changes)


@pytest.mark.parametrize(
    ("space", "changes", "told"),
    [
        (["lr=interval(0.0,1.0)", "width=1,2,3", "seed=3"], {}, r"width \(.*choices=\(1, 2\)\) → .*choices=\(1, 2, 3\)\)\)"),
        (["lr=interval(0.5,1.0)", "width=1,2", "seed=3"], {}, r"lr \(UniformDistribution"),
        (["lr=interval(0.0,1.0)", "seed=3"], {}, r"width \(.* → None\)"),
        ([*SPACE[:2], "seed=4"], {}, r"seed \(3 → 4\)"),
        ([*SPACE, "steps=9"], {}, r"steps \(None → 9\)"),
        (SPACE, {"direction": "maximize"}, "Cannot overwrite study direction"),
    ],
)
def test_another_search_is_refused(space: list[str], changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    """Its trials could not be compared with those that the study has."""
    run(tmp_path, Launcher(), n_trials=2)
    launcher = Launcher()
    with pytest.raises(CellmlError, match=rf"is another search: {told}"):
        run(tmp_path, launcher, space, n_trials=4, **changes)
    assert not launcher.seen and len(optuna.load_study("sweep", f"sqlite:///{tmp_path / 'study.db'}").trials) == 2


def test_one_process_sweeps_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one would take the first one's trials for interrupted ones."""
    from cellml.sweeps import study as module

    monkeypatch.setattr(module, "_PATIENCE_S", 0.1)

    class Second(Launcher):
        def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
            with pytest.raises(CellmlError, match="Another process sweeps in"):
                run(tmp_path, Launcher())
            return super().launch(job_overrides, initial_job_idx)

    launcher = Second()
    run(tmp_path, launcher, n_trials=2)
    assert sorted(launcher.seen) == [0, 1]
    run(tmp_path, Launcher(), n_trials=3)


@pytest.mark.parametrize(
    ("value", "count", "told"),
    [
        (0.5, 1, ([0.5], "")),
        (None, 1, ([], "the job returned None, not a number; is training.objective among the logged metrics?")),
        (float("nan"), 1, ([], "the objective is [nan]")),
        ([1, 2], 2, ([1.0, 2.0], "")),
        ([1.0], 2, ([], "the job returned 1 numbers, and the study has 2 objectives")),
    ],
)
def test_what_a_job_returned(value: Any, count: int, told: Any) -> None:
    assert outcome(JobReturn(status=JobStatus.COMPLETED, _return_value=value), count) == told


def test_numbers_in_runs_without_gaps() -> None:
    assert _consecutive([2, 3, 4, 7, 9, 10]) == [[2, 3, 4], [7], [9, 10]] and _consecutive([]) == []


def test_what_mattered_is_found(tmp_path: Path) -> None:
    run(tmp_path, Launcher(failing=[1]), n_trials=24)
    summary = read_study(tmp_path)
    assert summary is not None and summary.trials == {"complete": 23, "fail": 1} and summary.minimised
    assert summary.importance["lr"] > 0.9 and sum(summary.importance.values()) == pytest.approx(1)
    assert list(summary.importance) == ["lr", "width"]
