"""The jobs of a sweep's folder: what was varied, what came of it, and which jobs are one setting with several seeds."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cellml.errors import CellmlError, FileError
from cellml.logged_history import last_values
from cellml.sweeps.job_record import read_record

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One folder of a sweep. overrides: by key; state: done, failed, interrupted, running, or waiting where it never began; value: of the
    objective, NaN where there is none; seconds: of all its starts; metrics: the last of each that was logged; error: why it failed.
    """

    number: str
    overrides: Mapping[str, str]
    state: str
    value: float
    seconds: float
    starts: int
    metrics: Mapping[str, float]
    error: str
    folder: Path


@dataclass(frozen=True)
class Group:
    """Jobs that differ in nothing but the seed. mean: of the objectives of those that were done; low, high: its 95 % interval by Student's
    t, NaN for fewer than two.
    """

    settings: Mapping[str, str]
    jobs: tuple[Job, ...]
    mean: float
    low: float
    high: float


def read_jobs(folder: Path) -> tuple[list[Job], str]:
    """All jobs below a sweep's folder, by number, and the name of their objective ("" where no job says it).

    Raises CellmlError where there is none.
    """
    if not folder.is_dir():
        raise CellmlError(f"There is no folder {folder}; give the folder of a sweep, such as runs/sweeps/DATE/TIME.")
    places = sorted({path.parents[1] for path in folder.glob("**/.hydra/overrides.yaml")}, key=lambda p: (len(p.name), str(p)))
    found = [(place, read_record(place)) for place in places if place != folder]
    if not found:
        raise CellmlError(
            f"{folder} holds no job of a sweep: no folder with .hydra/overrides.yaml. Sweeps are made by cellml … --multirun."
        )
    objective = next((record.objective for _, record in found if record is not None and record.objective), "")
    return [_job(folder, place, objective) for place in places if place != folder], objective


def varied(jobs: Sequence[Job]) -> list[str]:
    """The keys in which the jobs differ, in the order of the command."""
    keys = [key for job in jobs for key in job.overrides]
    return [key for key in dict.fromkeys(keys) if len({job.overrides.get(key) for job in jobs}) > 1]


def by_setting(jobs: Sequence[Job], keys: Sequence[str]) -> list[Group]:
    """Jobs grouped by everything varied but `seed`, in the order of their first job."""
    groups: dict[tuple[str, ...], list[Job]] = {}
    others = [key for key in keys if key != "seed"]
    for job in jobs:
        groups.setdefault(tuple(job.overrides.get(key, "") for key in others), []).append(job)
    return [_group(dict(zip(others, values, strict=True)), members) for values, members in groups.items()]


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and the ends of its 95 % interval, mean ± t(0.975, n − 1) s/√n; the ends are NaN for fewer than two values."""
    from scipy.stats import t

    given = np.asarray(values, float)
    if not given.size:
        return math.nan, math.nan, math.nan
    if given.size == 1:
        return float(given[0]), math.nan, math.nan
    half = float(t.ppf(0.975, given.size - 1) * given.std(ddof=1) / math.sqrt(given.size))
    return float(given.mean()), float(given.mean() - half), float(given.mean() + half)


def _group(settings: dict[str, str], jobs: list[Job]) -> Group:
    return Group(settings, tuple(jobs), *interval([job.value for job in jobs if job.state == "done" and math.isfinite(job.value)]))


def _job(sweep: Path, folder: Path, objective: str) -> Job:
    record, finished = read_record(folder), (folder / "model.ckpt").is_file()
    metrics: dict[str, float] = {}
    for path in sorted(folder.rglob("metrics.csv")):
        try:
            metrics |= last_values(path)
        except FileError as error:  # it may be being written; the other jobs are none the worse
            log.warning("The metrics of job %s are left out: %s", folder.name, error)
    number = str(folder.relative_to(sweep))
    if record is None:  # a job of another verb, of an older version, or one that never began
        state = "done" if finished else ("waiting" if not metrics else "interrupted")
        return Job(number, _overrides(folder), state, metrics.get(objective, math.nan), math.nan, 0, metrics, "", folder)
    value = math.nan if record.value is None else record.value
    # Hydra writes its overrides.yaml before a command that finds the folder taken is refused; the record is the run's own.
    given = _by_key(record.overrides) or _overrides(folder)
    return Job(number, given, record.settled_state, value, record.seconds, record.starts, metrics, record.error, folder)


def _overrides(folder: Path) -> dict[str, str]:
    import yaml

    return _by_key(yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text(encoding="utf-8")) or [])


def _by_key(words: Sequence[object]) -> dict[str, str]:
    pairs = (str(word).partition("=") for word in words)
    return {key.lstrip("+~"): value for key, _, value in pairs}
