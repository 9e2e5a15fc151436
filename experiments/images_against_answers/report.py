"""Tables, figures and results.json from the rows so far."""

from __future__ import annotations

import sys
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from figures import filters_figure, wedge_figure
from judge import JUDGES
from rows import errors, judge_floor, measured, selections
from summary import Errors, mean_change, mean_error, median_error
from tissue import THRESHOLDS

from cellml.evaluation.leaderboard import Entry, Leaderboard, leaderboard
from cellml.report.results import write_study_results

HERE = Path(__file__).parent
STUDIES = ("wedge", "filters")
Values = dict[str, tuple[float | None, str]]


def report() -> None:
    """Write all of it, and print the tables."""
    values: Values = {}
    floor = judge_floor()
    values["judge_error_mean"] = (round(mean_error(floor).value, 4), "1")
    values["neurites"] = (len(floor.neurites), "count")
    lines = [f"judge itself: {mean_error(floor)}", *wedge_table(values), "", *filters_table(values), ""]
    lines += [*repairs(values), "", *strengths_left(values), "", *thresholds(), "", *boards(values)]
    sys.stdout.write("\n".join(lines) + "\n")
    write_study_results(HERE, values, seed=0, data="fib25_train2", conditions={name: len(measured(name)) for name in STUDIES})
    wedge_figure(HERE / "wedge.png")
    filters_figure(HERE / "filters.png")


def described(found: Errors) -> str:
    """The columns of one judge: Dice; neurites with an answer, and the median of their predicted over true first-passage times; the median
    error of all and of those that have an answer; the mean error with its interval.
    """
    some = found.answered.any()
    ratio, answered = (np.median(found.ratio[found.answered]), np.median(found.error[found.answered])) if some else (np.nan, np.nan)
    medians = f"{median_error(found).value:.2f}; {answered:.2f}"
    return f"{found.dice.mean():.2f} | {found.answered.sum()}; {ratio:.2f} | {medians} | {mean_error(found)}".replace("nan", "–")


def wedge_table(values: Values) -> list[str]:
    """A row a condition: adapted Rand error, and the columns of both judges."""
    lines = []
    for one, row in measured("wedge"):
        found = {judge: errors("wedge", one, "test", judge) for judge in JUDGES}
        lines.append(f"| {one.title} | {float(row['rand_test']):.2f} | " + " | ".join(described(f) for f in found.values()) + " |")
        values |= {_named(f"wedge_{judge}_error", one.title): (round(mean_error(f).value, 4), "1") for judge, f in found.items()}
    return lines


def filters_table(values: Values) -> list[str]:
    """A row for each image and family at its chosen strength, and by how much it differs from no filter."""
    lines, rand = [], {one: float(row["rand_test"]) for one, row in measured("filters")}
    for one, by_rand in selections():
        text = f"| {one.damage} | {one.title}{'' if by_rand == one else f' (by Rand: {by_rand.strength})'} | {rand[one]:.2f}"
        for judge in JUDGES:
            found, bare = (errors("filters", c, "test", judge) for c in (one, replace(one, family="none", strength="none")))
            change, name = mean_change(found, bare), _named(f"filters_{judge}", f"{one.damage} {one.family}")
            text += f" | {described(found)} | {'' if one.family == 'none' else change}"
            values[f"{name}_error"] = (round(mean_error(found).value, 4), "1")
            values[f"{name}_change"] = (round(change.value, 4), "1")
        lines.append(text + " |")
    return lines


def repairs(values: Values) -> list[str]:
    """By how much a repaired reconstruction differs from the one that was shown to the network."""
    lines = []
    for one in (one for one, _ in measured("wedge") if one.method == "repaired"):
        for judge in JUDGES:
            found, bare = (errors("wedge", c, "test", judge) for c in (one, replace(one, method="wiener")))
            change = mean_change(found, bare)
            lines.append(f"{one.title}, {judge}: {change}")
            values[_named(f"wedge_{judge}_change", one.title)] = (round(change.value, 4), "1")
    return lines


def strengths_left(values: Values) -> list[str]:
    """Strengths that the validation part did not choose: adapted Rand error; change of the mean error by both judges, in the test part."""
    chosen, lines = {one for one, _ in selections()}, []
    for one, row in measured("filters"):
        if one in chosen:
            continue
        changes = []
        for judge in JUDGES:
            found, bare = (errors("filters", c, "test", judge) for c in (one, replace(one, family="none", strength="none")))
            changes.append(mean_change(found, bare))
            values[_named(f"filters_{judge}", f"{one.damage} {one.title}") + "_change"] = (round(changes[-1].value, 4), "1")
        lines.append(f"{one.damage}; {one.title}: {float(row['rand_test']):.3f}; {changes[0]}; {changes[1]}")
    return lines


def thresholds() -> list[str]:
    """How many images have the least and the largest threshold that were offered, for either judge."""
    lines = []
    for study in STUDIES:
        for column in ("threshold", "threshold_mended"):
            found = [float(row[column]) for _, row in measured(study)]
            ends = f"{found.count(min(THRESHOLDS))} least, {found.count(max(THRESHOLDS))} largest"
            lines.append(f"{study}, {column}: {ends} of {len(found)}")
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


def boards(values: Values) -> list[str]:
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
