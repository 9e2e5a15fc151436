"""An Optuna study that outlives its jobs and its own process."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from hydra.core.utils import JobReturn, JobStatus
from hydra_plugins.hydra_optuna_sweeper._impl import OptunaSweeperImpl, create_params_from_overrides
from omegaconf import OmegaConf
from optuna.trial import Trial, TrialState

from cellml.errors import CellmlError

log = logging.getLogger(__name__)

_SEARCH = "search"  # the study's attribute that says what is searched
_REMEDY = "Repeat the original command, of which n_trials, n_jobs and the launcher may change, or name a new hydra.sweep.dir."
_PATIENCE_S = 15.0  # loaders of a killed process hold its lock for some seconds more


class KeptStudy(OptunaSweeperImpl):  # type: ignore[misc]
    """Hydra's Optuna sweeper with a study in a file, whose command may be repeated.

    `n_trials` counts all trials of the study: the same command runs those that are missing, a larger number adds to them. Trial k is job
    k, in folder k; trials that were under way when the sweep's process ended are begun again there, and trainings go on from
    their checkpoints. A job that fails, or whose objective is not finite, marks its trial as failed, and the study goes on, unless more
    than `max_failure_rate` of all trials failed.
    """

    def sweep(self, arguments: list[str]) -> None:
        """Run what the study still lacks, `n_jobs` trials at a time, and write `optimization_results.yaml`.

        Raises CellmlError where too many trials failed, none succeeded, the study is another search, or another process sweeps there.
        """
        self._process_searchspace_config()
        space, fixed = create_params_from_overrides([*self._parse_sweeper_params_config(), *arguments])
        space = {**(self.search_space_distributions or {}), **space}
        space = {name: distribution for name, distribution in space.items() if name not in fixed}
        if not space:
            raise CellmlError("Nothing to search: give at least one range, as in 'task.optimizer.lr=interval(1e-4,1e-2)'.")
        with _alone_in(Path(str(self.sweep_dir))):
            self._complete(space, fixed)

    def _complete(self, space: dict[str, Any], fixed: dict[str, Any]) -> None:
        """Run what the study of this search still lacks."""
        study = self._study(space)
        self._require_same_search(study, space, fixed)
        for numbers in _consecutive([t.number for t in study.trials if t.state == TrialState.RUNNING]):
            trials = [Trial(study, study.trials[number]._trial_id) for number in numbers]
            self._run(study, trials, space, fixed)
        while (missing := self.n_trials - len(study.trials)) > 0:
            self._run(study, [study.ask() for _ in range(min(missing, self.n_jobs))], space, fixed)
        self._write_best(study)

    def _study(self, space: dict[str, Any]) -> optuna.study.Study:
        if callable(self.sampler) and not isinstance(self.sampler, optuna.samplers.BaseSampler):  # the grid's, which needs the space
            grid = {name: self._to_grid_sampler_choices(distribution) for name, distribution in space.items()}
            self.sampler = self.sampler(grid)
            self.n_trials = min(self.n_trials, math.prod(len(values) for values in grid.values()))
        try:
            study = optuna.create_study(
                study_name=self.study_name,
                storage=self.storage,
                sampler=self.sampler,
                directions=self._get_directions(),
                load_if_exists=True,
            )
        except ValueError as error:  # of another direction
            raise CellmlError(f"The study in {self.storage} is another search: {error} {_REMEDY}") from error
        if study.trials:
            study.sampler.reseed_rng()  # a seeded sampler would propose again what it proposed first
        log.info("Study %s in %s: %d of %d trials so far", study.study_name, self.storage, len(study.trials), self.n_trials)
        return study

    def _require_same_search(self, study: optuna.study.Study, space: dict[str, Any], fixed: dict[str, Any]) -> None:
        """Raise CellmlError where the study belongs to another search: its trials could not be compared with those to come."""
        new = search_of(space, fixed, self._get_directions())
        old = study.user_attrs.get(_SEARCH, new)  # of studies that were begun before this was kept
        changed = [f"{key} ({old.get(key)} → {new.get(key)})" for key in {**old, **new} if old.get(key) != new.get(key)]
        if changed:
            raise CellmlError(f"The study in {self.storage} is another search: {'; '.join(changed)}. {_REMEDY}")
        study.set_user_attr(_SEARCH, new)

    def _run(self, study: optuna.study.Study, trials: Sequence[Trial], space: dict[str, Any], fixed: dict[str, Any]) -> None:
        """Launch trials with consecutive numbers, wait for all, and tell the study."""
        try:
            overrides = self._configure_trials(list(trials), space, fixed)
        except ValueError as error:
            raise CellmlError(f"The search space is not the one of the study in {self.storage}: {error}") from error
        assert self.launcher is not None, "Hydra sets it up before it sweeps"
        for trial, job in zip(trials, self.launcher.launch(overrides, initial_job_idx=trials[0].number), strict=True):
            values, failure = outcome(job, len(study.directions))
            if failure:
                log.warning("Trial %d failed: %s", trial.number, failure)
                trial.set_user_attr("failure", failure[:1000])
            _tell(study, trial, values)
        failed = [t for t in study.trials if t.state == TrialState.FAIL]
        if len(failed) > self.max_failure_rate * max(self.n_trials, 1):
            raise CellmlError(
                f"{len(failed)} of {self.n_trials} trials failed, more than hydra.sweeper.max_failure_rate={self.max_failure_rate:g} "
                f"allows. The first: {failed[0].user_attrs.get('failure', 'unknown')}"
            )

    def _write_best(self, study: optuna.study.Study) -> None:
        done = [t for t in study.trials if t.state == TrialState.COMPLETE]
        if not done:
            first = next((t.user_attrs.get("failure", "") for t in study.trials), "")
            raise CellmlError(f"None of the {len(study.trials)} trials of the study in {self.storage} succeeded. The first: {first}")
        result: dict[str, Any] = {"name": "optuna", "trials": len(study.trials), "failed": len(study.trials) - len(done)}
        if len(study.directions) == 1:
            result |= {"best_trial": study.best_trial.number, "best_params": study.best_params, "best_value": study.best_value}
            log.info("Best of %d: trial %d, %g with %s", len(done), study.best_trial.number, study.best_value, study.best_params)
        else:
            result["solutions"] = [{"params": t.params, "values": list(t.values)} for t in study.best_trials]
        OmegaConf.save(OmegaConf.create(result), Path(str(self.sweep_dir)) / "optimization_results.yaml")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a sweep's folder: another process would take this one's trials for interrupted ones, and run them too."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "sweep.lock", timeout=_PATIENCE_S):
            yield
    except Timeout:
        raise CellmlError(f"Another process sweeps in {folder} right now; wait for it, or name a new hydra.sweep.dir.") from None


def search_of(space: Mapping[str, Any], fixed: Mapping[str, Any], directions: Sequence[str]) -> dict[str, str]:
    """What makes a study one search: ranges, overrides that all trials share, and whether low or high objectives are good."""
    shared = {name: str(value) for name, value in fixed.items()}
    return {**shared, **{name: str(distribution) for name, distribution in space.items()}, "hydra.sweeper.direction": ",".join(directions)}


def _tell(study: optuna.study.Study, trial: Trial, values: list[float]) -> None:
    """Tell the values of a trial, none where it failed."""
    grid = isinstance(study.sampler, optuna.samplers.GridSampler)
    with suppress(*((RuntimeError,) if grid else ())):  # at its end the grid stops a loop that is Optuna's own, which there is not
        study.tell(trial, values or None, state=TrialState.COMPLETE if values else TrialState.FAIL)


def outcome(job: JobReturn, count: int) -> tuple[list[float], str]:
    """The `count` objectives of a job, and why there are none, if there are none."""
    if job.status != JobStatus.COMPLETED:
        return [], str(job._return_value) or type(job._return_value).__name__
    answer = job.return_value
    try:
        values = [float(v) for v in (answer if isinstance(answer, Sequence) else [answer])]
    except (TypeError, ValueError):
        return [], f"the job returned {answer!r}, not a number; is training.objective among the logged metrics?"
    if len(values) != count:
        return [], f"the job returned {len(values)} numbers, and the study has {count} objectives"
    if not all(math.isfinite(v) for v in values):
        return [], f"the objective is {values}"
    return values, ""


def _consecutive(numbers: Sequence[int]) -> list[list[int]]:
    """Increasing numbers in runs without gaps, since a launcher numbers its jobs on from the first."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
