"""The verb `sweep-report`: a sweep's folder as one table and one figure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellml.sweeps.jobs import Group, Job, by_setting, read_jobs, varied
from cellml.sweeps.study_summary import StudySummary, read_study

STATES = ("done", "failed", "interrupted", "running", "waiting")


def sweep_report(
    input: str, output: str | None = None, metrics: Sequence[str] = (), minimise: bool = True, title: str | None = None
) -> dict[str, Any]:
    """Write `sweep.csv`, `sweep.md`, `sweep.html` and `sweep.png` of a sweep's folder, print the table, and return how the jobs stand.

    input: the folder of `cellml … --multirun` (`hydra.sweep.dir`); output: where to write, the same folder where None; metrics: further
    logged metrics as columns, such as val/dice; minimise: whether a low objective is good (an Optuna study knows it itself); title: of
    page and figure, the folder's name where None. Raises CellmlError where the folder holds no job.
    """
    from cellml.io.atomic import atomic_path, write_text
    from cellml.report.sweep_figure import sweep_figure

    folder = Path(input)
    jobs, objective = read_jobs(folder)
    keys, study = varied(jobs), read_study(folder)
    groups = by_setting(jobs, keys)
    low_is_good = minimise if study is None else study.minimised
    best = best_job(jobs, low_is_good)
    header, rows = job_table(jobs, keys, objective, metrics)
    place, name = Path(output or input), title or folder.resolve().name
    lines = summary_lines(jobs, objective, best, groups, study)
    write_text(place / "sweep.csv", _csv(header, rows))
    write_text(place / "sweep.md", _markdown(name, lines, header, rows, groups, keys))
    figure = sweep_figure(jobs, keys, groups, objective, study, minimise=low_is_good, title=name)
    with atomic_path(place / "sweep.png") as aside:
        figure.savefig(aside, dpi=130)
    write_text(place / "sweep.html", _page(name, lines, header, rows, groups, keys, figure))
    print("\n".join([*lines, f"Wrote sweep.csv, sweep.md, sweep.html and sweep.png to {place}."]))
    return {
        "jobs": len(jobs),
        **{state: sum(job.state == state for job in jobs) for state in STATES},
        "best": None if best is None else best.number,
        "value": None if best is None else best.value,
    }


def best_job(jobs: Sequence[Job], minimise: bool) -> Job | None:
    """The finished job with the best objective."""
    done = [job for job in jobs if job.state == "done" and math.isfinite(job.value)]
    return min(done, key=lambda job: job.value if minimise else -job.value, default=None)


def job_table(jobs: Sequence[Job], keys: Sequence[str], objective: str, metrics: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: number, what was varied, state, objective, further metrics, seconds, starts, and why it failed."""
    header = ["job", *keys, "state", objective or "objective", *metrics, "seconds", "starts", "error"]
    rows = [
        [
            job.number,
            *(job.overrides.get(key, "") for key in keys),
            job.state,
            _number(job.value),
            *(_number(job.metrics.get(metric, math.nan)) for metric in metrics),
            "" if math.isnan(job.seconds) else f"{job.seconds:.1f}",
            str(job.starts or ""),
            " ".join(job.error.split())[:160],
        ]
        for job in jobs
    ]
    return header, rows


def summary_lines(jobs: Sequence[Job], objective: str, best: Job | None, groups: Sequence[Group], study: StudySummary | None) -> list[str]:
    """What the sweep came to, in sentences."""
    counts = ", ".join(f"{n} {state}" for state in STATES if (n := sum(job.state == state for job in jobs)))
    lines = [f"{len(jobs)} jobs: {counts}."]
    if best is not None:
        lines.append(f"Best: job {best.number} with {objective or 'objective'} {best.value:.5g}.")
    if any(len(group.jobs) > 1 for group in groups):
        lines.append("Jobs that differ only in their seed are one setting; its mean has a 95 % interval by Student's t.")
    if study is not None:
        trials = ", ".join(f"{count} {state}" for state, count in study.trials.items())
        lines.append(f"Optuna's study: {trials}{'' if study.best is None else f'; best trial {study.best}'}.")
        shares = ", ".join(f"{name} {share:.0%}" for name, share in study.importance.items())
        lines.append(
            f"Share of what a random forest explains of the objective: {shares}." if shares else f"({study.why_not}.)".replace("..", ".")
        )
    return lines


def group_rows(groups: Sequence[Group], keys: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the settings that have several seeds."""
    others = [key for key in keys if key != "seed"]
    rows = [
        [*(g.settings[key] for key in others), str(len(g.jobs)), _number(g.mean), _number(g.low), _number(g.high)]
        for g in groups
        if len(g.jobs) > 1
    ]
    return [*(others or []), "seeds", "mean", "low", "high"], rows


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""


def _csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _markdown(
    name: str, lines: Sequence[str], header: Sequence[str], rows: Sequence[Sequence[str]], groups: Sequence[Group], keys: Sequence[str]
) -> str:
    tables = [_markdown_table(header, rows)]
    settings = group_rows(groups, keys)
    if settings[1]:
        tables.append("## Settings over seeds\n\n" + _markdown_table(*settings))
    return f"# {name}\n\n{' '.join(lines)}\n\n![Objective by job and by what was varied](sweep.png)\n\n" + "\n\n".join(tables) + "\n"


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(header), line(["---"] * len(header)), *(line(row) for row in rows)])


def _page(
    name: str,
    lines: Sequence[str],
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    groups: Sequence[Group],
    keys: Sequence[str],
    figure: Any,
) -> str:
    from cellml.report.markup import Html, escape, picture, table
    from cellml.report.page import Section, page

    drawn = picture(figure, alt="Objective by job and by what was varied", caption="Dots are finished jobs, crosses those without a value.")
    sections = [
        Section("result", "Result", Html("".join(f"<p>{escape(line)}</p>" for line in lines) + drawn)),
        Section("jobs", "Jobs", table(header, rows, text_columns=len(keys) + 2)),
    ]
    settings = group_rows(groups, keys)
    if settings[1]:
        sections.append(Section("settings", "Settings over seeds", table(*settings, text_columns=max(1, len(settings[0]) - 4))))
    return page(name, "sweep", sections)
