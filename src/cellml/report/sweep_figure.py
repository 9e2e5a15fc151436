"""A sweep in one figure: its course, the objective against what was varied, and what mattered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.palette import BLUE, GREEN, INK, MUTED, ORANGE, VERMILLION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cellml.sweeps.jobs import Group, Job
    from cellml.sweeps.study_summary import StudySummary

_MOST_KEYS = 4


def sweep_figure(
    jobs: Sequence[Job],
    keys: Sequence[str],
    groups: Sequence[Group],
    objective: str,
    study: StudySummary | None = None,
    *,
    minimise: bool = True,
    title: str = "",
) -> Figure:
    """The objective by job with the best so far, against each of the first keys that vary, and the importance of each parameter."""
    shown = [key for key in keys if key != "seed"][:_MOST_KEYS]
    several = any(len(group.jobs) > 1 for group in groups)
    panels = 1 + (len(groups) > 1 and several) + len(shown) + bool(study and len(study.importance) > 1)
    columns = min(3, panels)
    rows = math.ceil(panels / columns)
    with figure_style():
        figure = new_figure(1.2 + 3.6 * columns, 0.6 + 3.0 * rows)
        axes = iter(np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel())
        _course(next(axes), jobs, objective, minimise)
        if len(groups) > 1 and several:
            _settings(next(axes), groups, objective)
        for key in shown:
            _against(next(axes), jobs, key, objective)
        if study and len(study.importance) > 1:
            _importance(next(axes), study.importance)
        for unused in axes:
            unused.set_axis_off()
        figure.suptitle(literal(title), fontsize=10, color=INK)
    return figure


def _label(objective: str) -> str:
    return literal(objective or "objective")


def _course(axes: Any, jobs: Sequence[Job], objective: str, minimise: bool) -> None:
    """Dots in the order of the jobs, the best so far as a step line, failures as crosses at the foot."""
    numbers, values = np.arange(len(jobs)), np.array([job.value for job in jobs])
    done = np.isfinite(values)
    if done.any():
        best = np.minimum.accumulate(np.where(done, values, np.inf)) if minimise else np.maximum.accumulate(np.where(done, values, -np.inf))
        known = np.isfinite(best)
        axes.step(numbers[known], best[known], where="post", color=MUTED, label="best so far")
        axes.plot(numbers[done], values[done], "o", color=BLUE, markersize=4, label="done")
    for state, colour, marker in (("failed", VERMILLION, "X"), ("interrupted", ORANGE, "s"), ("running", GREEN, "^")):
        there = [i for i, job in enumerate(jobs) if job.state == state]
        if there:
            axes.plot(there, [0.03] * len(there), marker, color=colour, transform=axes.get_xaxis_transform(), label=state, clip_on=False)
    axes.set(title="Course", xlabel="job", ylabel=_label(objective))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(y=0.12)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4)


def _settings(axes: Any, groups: Sequence[Group], objective: str) -> None:
    """Mean and interval of each setting over its seeds, with the single jobs as small dots."""
    for place, group in enumerate(groups):
        values = [job.value for job in group.jobs if math.isfinite(job.value)]
        axes.plot(values, [place] * len(values), "o", color=MUTED, markersize=3)
        if math.isfinite(group.low):
            axes.plot([group.low, group.high], [place, place], color=BLUE)
        axes.plot([group.mean], [place], "D", color=BLUE, markersize=5)
    names = [", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in group.settings.items()) or "all" for group in groups]
    axes.set_yticks(range(len(groups)), [literal(name[:40]) for name in names], fontsize=7)
    axes.invert_yaxis()
    axes.set(title="Settings over seeds: mean, 95 % interval", xlabel=_label(objective))


def _against(axes: Any, jobs: Sequence[Job], key: str, objective: str) -> None:
    """The objective against one key, on a number axis (logarithmic over wide ranges) or by category."""
    done = [job for job in jobs if math.isfinite(job.value)]
    texts = [job.overrides.get(key, "") for job in done]
    values = [job.value for job in done]
    numbers = [_as_number(text) for text in texts]
    if done and all(math.isfinite(n) for n in numbers):
        axes.plot(numbers, values, "o", color=BLUE, markersize=4)
        if min(numbers) > 0 and max(numbers) >= 10 * min(numbers):
            axes.set_xscale("log")
    else:
        names = list(dict.fromkeys(texts))
        axes.plot([names.index(text) for text in texts], values, "o", color=BLUE, markersize=4)
        axes.set_xticks(range(len(names)), [literal(name[:18]) for name in names], fontsize=7)
        axes.set_xlim(-0.5, max(len(names), 1) - 0.5)
    axes.set(title=literal(key.rpartition(".")[2]), xlabel=literal(key), ylabel=_label(objective))


def _importance(axes: Any, importance: dict[str, float]) -> None:
    names = list(importance)
    axes.barh(range(len(names)), [importance[name] for name in names], height=0.5, color=BLUE)
    axes.set_yticks(range(len(names)), [literal(name) for name in names], fontsize=7)
    axes.invert_yaxis()
    axes.set(title="What mattered", xlabel="share of what a forest explains of the objective")


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
