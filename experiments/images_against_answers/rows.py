"""The tables of both studies, read again: what was measured, condition by condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from judge import JUDGES
from omegaconf import OmegaConf
from summary import Errors, chosen_strength, errors_of, mean_error

from cellml.report.rows import read_rows

HERE = Path(__file__).parent


@cache
def measured(study: str) -> list[tuple[Any, Mapping[str, str]]]:
    """Conditions with their row of scores, in the order of the configuration; those without a row are left out."""
    module = import_module(study)
    scores = {tuple(row[k] for k in module.KEY): row for row in read_rows(HERE / f"{study}_scores.csv")}
    wanted = module.conditions(OmegaConf.load(HERE / f"{study}.yaml"))
    return [(one, scores[one.key]) for one in wanted if one.key in scores]


@cache
def _answers(study: str) -> dict[tuple[str, ...], list[dict[str, str]]]:
    key, found = (*import_module(study).KEY, "part", "judge"), {}
    for row in read_rows(HERE / f"{study}_answers.csv"):
        found.setdefault(tuple(row[k] for k in key), []).append(row)
    return found


@cache
def errors(study: str, condition: Any, part: str, judge: str) -> Errors:
    """Of the neurites of a condition."""
    return errors_of(_answers(study)[(*condition.key, part, judge)])


def judge_floor() -> Errors:
    """Of the true shapes of the test part in coarser meshes: what no image can undercut."""
    return errors_of(read_rows(HERE / "remeshed.csv"))


def selections() -> list[tuple[Any, Any]]:
    """Of each image and family of filters: (the strength of the least simulated error, that of the least adapted Rand error), both of the
    validation part, among those that were measured; the simulated error is the mean of both judges.
    """
    groups: dict[tuple[str, str], list[tuple[Any, Mapping[str, str]]]] = {}
    for one, row in measured("filters"):
        groups.setdefault((one.damage, one.family), []).append((one, row))
    found = [_selected(group) for group in groups.values()]
    damages = list(dict.fromkeys(one.damage for one, _ in found))
    return sorted(found, key=lambda pair: (damages.index(pair[0].damage), pair[0].family != "none"))


def _selected(group: Sequence[tuple[Any, Mapping[str, str]]]) -> tuple[Any, Any]:
    by_strength = {one.strength: one for one, _ in group}
    answer = chosen_strength({strength: _validation_error(one) for strength, one in by_strength.items()})
    rand = chosen_strength({one.strength: float(row["rand_validation"]) for one, row in group})
    return by_strength[answer], by_strength[rand]


def _validation_error(one: Any) -> float:
    return sum(mean_error(errors("filters", one, "validation", judge)).value for judge in JUDGES) / len(JUDGES)
