"""Tables, figures and results.json from the rows so far."""

from __future__ import annotations

import sys
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from figures import filters_figure, wedge_figure
from judge import JUDGES
from rows import errors, judge_floor, measured, selections
from summary import Errors, mean_change, mean_error, median_error

from cellml.evaluation.leaderboard import Entry, Leaderboard, leaderboard
from cellml.report.results import write_study_results

HERE = Path(__file__).parent
STUDIES = {"wedge": "rand_test", "filters": "rand_test"}


def report() -> None:
    """Write all of it, and print the tables."""
    values: dict[str, tuple[float | None, str]] = {}
    floor = judge_floor()
    values["judge_error_mean"] = (round(mean_error(floor).value, 4), "1")
    values["neurites"] = (len(floor.neurites), "count")
    lines = [f"judge itself: {mean_error(floor)}", *wedge_table(values), "", *filters_table(values), "", *boards(values)]
    sys.stdout.write("\n".join(lines) + "\n")
    write_study_results(HERE, values, seed=0, data="fib25_train2", conditions={name: len(measured(name)) for name in STUDIES})
    wedge_figure(HERE / "wedge.png")
    filters_figure(HERE / "filters.png")


def described(found: Errors) -> str:
    """The columns of one judge: Dice, share with an answer, median error of all, of those answered, mean error with its interval."""
    answered = float(np.median(found.error[found.answered])) if found.answered.any() else float("nan")
    share = f"{found.answered.sum()}/{len(found.answered)}"
    return f"{found.dice.mean():.2f} | {share} | {median_error(found).value:.2f} | {answered:.2f} | {mean_error(found)}"


def wedge_table(values: dict[str, tuple[float | None, str]]) -> list[str]:
    """A row a condition, for each judge."""
    lines = []
    for judge in JUDGES:
        lines += ["", f"**{judge}**: Dice, answered, median error, of answered, mean of min(error, 1)", ""]
        for one, row in measured("wedge"):
            found = errors("wedge", one, "test", judge)
            lines.append(f"| {one.title} | {float(row['rand_test']):.2f} | {described(found)} |")
            values[_named(f"wedge_{judge}_error", one.title)] = (round(mean_error(found).value, 4), "1")
    return lines


def filters_table(values: dict[str, tuple[float | None, str]]) -> list[str]:
    """A row for each image and family: its strength by the answer of the validation part, judged on the test part."""
    lines, rand = [], {one: float(row["rand_test"]) for one, row in measured("filters")}
    for judge in JUDGES:
        lines += ["", f"**{judge}**: as above, and the change against no filter", ""]
        bare = {one.damage: one for one in rand if one.family == "none"}
        for one, by_rand in selections(judge):
            found = errors("filters", one, "test", judge)
            change = mean_change(found, errors("filters", bare[one.damage], "test", judge))
            other = "" if by_rand == one else f" ({by_rand.strength}: {mean_error(errors('filters', by_rand, 'test', judge)).value:.2f})"
            lines.append(f"| {one.damage} | {one.title}{other} | {rand[one]:.2f} | {described(found)} | {change} |")
            name = _named(f"filters_{judge}", f"{one.damage} {one.family}")
            values[f"{name}_error"] = (round(mean_error(found).value, 4), "1")
            values[f"{name}_change"] = (round(change.value, 4), "1")
    return lines


def board(study: str, judge: str) -> Leaderboard:
    """Conditions of a study, by adapted Rand error (Dice of the mended neurites) and by the mean simulated error, both of the test part."""
    entries = []
    for one, row in measured(study):
        found = errors(study, one, "test", judge)
        overlap = float(row["rand_test"]) if judge == "automatic" else float(found.dice.mean())
        name = one.title if study == "wedge" else f"{one.damage}; {one.title}"
        entries.append(Entry(name, overlap, mean_error(found).value, len(found.neurites)))
    return leaderboard(entries, "adapted_rand_error" if judge == "automatic" else "dice", overlap_margin=0.01)


def boards(values: dict[str, tuple[float | None, str]]) -> list[str]:
    """Where overlap and answers order conditions differently: (better in overlap, better in the answer)."""
    lines = []
    for study in STUDIES:
        for judge in JUDGES:
            made = board(study, judge)
            share = len(made.disagreements) / made.pairs if made.pairs else float("nan")
            lines.append(f"{study}, {judge}: τ {made.tau:.2f} ({made.tau_low:.2f} to {made.tau_high:.2f}), "
                         f"{len(made.disagreements)} of {made.pairs} pairs reversed: {made.disagreements[:6]}")  # fmt: skip
            values[f"{study}_{judge}_tau"] = (round(made.tau, 3) if isfinite(made.tau) else None, "1")
            values[f"{study}_{judge}_pairs_reversed"] = (round(share, 3) if isfinite(share) else None, "1")
    return lines


def _named(prefix: str, title: Any) -> str:
    words = str(title).replace("±", "").replace("°", "").replace(",", "").replace(".", "p").lower()
    return "_".join([prefix, *words.split()])
