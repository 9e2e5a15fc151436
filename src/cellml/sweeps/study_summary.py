"""What an Optuna study in a sweep's folder says: trials, the best of them, and what mattered."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = "study.db"


@dataclass(frozen=True)
class StudySummary:
    """trials: how many of each state; best: number of the best trial, None where none was completed; minimised: whether low is good;
    importance: share of each parameter in what a forest explains of the objective, empty where `why_not` says why.
    """

    trials: dict[str, int]
    best: int | None
    value: float | None
    minimised: bool = True
    importance: dict[str, float] = field(default_factory=dict)
    why_not: str = ""


def read_study(folder: Path, seed: int = 0) -> StudySummary | None:
    """The study of a sweep's folder; None where there is none, or Optuna is not installed."""
    if not (folder / FILE).is_file():
        return None
    try:
        import optuna
    except ImportError:
        return None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = f"sqlite:///{folder / FILE}"
    names = [summary.study_name for summary in optuna.get_all_study_summaries(storage)]
    if not names:
        return None
    study = optuna.load_study(names[0], storage)
    counts: dict[str, int] = {}
    for trial in study.trials:
        counts[trial.state.name.lower()] = counts.get(trial.state.name.lower(), 0) + 1
    if len(study.directions) > 1:
        return StudySummary(counts, None, None, why_not="the study has several objectives")
    minimised = study.direction == optuna.study.StudyDirection.MINIMIZE
    if not counts.get("complete"):
        return StudySummary(counts, None, None, minimised, why_not="no trial was completed")
    importance, why_not = _importance(study, seed)
    return StudySummary(counts, study.best_trial.number, study.best_value, minimised, importance, why_not)


def _importance(study: Any, seed: int) -> tuple[dict[str, float], str]:
    """Mean decrease of impurity (Breiman 2001) in a forest of 200 trees over the completed trials."""
    import optuna
    from sklearn.ensemble import RandomForestRegressor

    done = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    names = sorted({name for trial in done for name in trial.params})
    complete = [t for t in done if set(t.params) == set(names)]
    if len(complete) < 4 or len({t.value for t in complete}) < 2:
        return {}, f"importance needs four completed trials with different objectives; there are {len(complete)}"
    columns = [[_coordinate(t, name) for t in complete] for name in names]
    forest = RandomForestRegressor(200, random_state=seed).fit(list(zip(*columns, strict=True)), [t.value for t in complete])
    shares = dict(zip(names, map(float, forest.feature_importances_), strict=True))
    return dict(sorted(shares.items(), key=lambda item: -item[1])), ""


def _coordinate(trial: Any, name: str) -> float:
    """A parameter of a trial as a number: its logarithm where it was searched so, the index of a category."""
    value, distribution = trial.params[name], trial.distributions[name]
    if hasattr(distribution, "choices"):
        return float(distribution.choices.index(value))
    return math.log(value) if "Log" in type(distribution).__name__ else float(value)
