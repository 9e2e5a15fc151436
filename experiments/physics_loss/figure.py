"""The figure of the study: what validation shapes say of all settings, and errors of test shapes by arm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from choice import Scores, Setting, candidates, median_error
from routes import ROUTES, STEPS
from shapes import OTHERS, TRAINED

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import BLUE, MUTED, ORANGE

ARMS = {"start": MUTED, "control": BLUE, "with": ORANGE}
LABELS = {"start": "start", "control": "control", "with": "with physics"}
TITLES = {
    "escape_time": "escape\ntime",
    "neck_conductance": "neck's\nconductance",
    "neck_volume": "neck's\nvolume",
    "spine_volume": "spine's\nvolume",
}
WAYS = ("-", "--", ":")
ROUTE = {"head": "certified head", "segmentation": "segmentation network"}


def draw(routes: dict[str, tuple[dict[str, Scores], list[dict[str, str]]]], path: Path) -> None:
    """routes: scores of test shapes by arm, and rows of validation shapes; a row of panels each."""
    with figure_style():
        drawing = new_figure(11, 3.7 * len(routes))
        panels = drawing.subplots(len(routes), 2, squeeze=False, width_ratios=(1.0, 1.6))
        for (route, (arms, validation)), (curves, boxes) in zip(routes.items(), panels, strict=True):
            _curves(curves, route, validation)
            _boxes(boxes, arms)
        drawing.savefig(path, dpi=110)


def _curves(axes: Any, route: str, rows: list[dict[str, str]]) -> None:
    start = median_error(Scores(rows, candidates(route, (), physics=False)[0]).errors(TRAINED))
    for physics, colour in ((False, BLUE), (True, ORANGE)):
        for way, line in zip([way for way in ROUTES[route].ways if bool(way.physics) == physics], WAYS, strict=False):
            found = [Scores(rows, Setting(way, steps)) for steps in STEPS]
            errors = [start, *(median_error(of.errors(TRAINED)) for of in found)]
            name = f"physics, weight {way.physics:g}" if physics else "control"
            more = ", with surfaces" if way.surfaces else ""
            axes.plot([0, *STEPS], [100 * error for error in errors], line, color=colour, marker="o", ms=3, label=name + more)
    axes.set(title=f"Validation shapes, {ROUTE[route]}", xlabel="steps of fine-tuning", ylabel="median error of both answers (%)")
    axes.set_ylim(0)
    axes.legend()


def _boxes(axes: Any, arms: dict[str, Scores]) -> None:
    for place, (arm, colour) in enumerate(ARMS.items()):
        data = [100 * arms[arm].errors((name,)).ravel() for name in TITLES]
        at = np.arange(len(TITLES)) + 0.2 * (place - (len(ARMS) - 1) / 2)
        drawn = axes.boxplot(data, positions=at, widths=0.16, whis=(5, 95), showfliers=False, patch_artist=True)
        for patch in drawn["boxes"]:
            patch.set(facecolor=colour, alpha=0.8)
        for line in drawn["medians"]:
            line.set(color="black")
        axes.plot([], [], color=colour, lw=6, label=LABELS[arm])
    count, seeds = len(arms["with"].shapes), len(arms["with"].seeds)
    axes.set(title=f"{count} test shapes, {seeds} training{'s' * (seeds > 1)} (boxes: quartiles)", ylabel="|predicted / true − 1| (%)")
    axes.set_ylim(0, 60)
    inside = {**dict.fromkeys(TRAINED, "in the loss"), **dict.fromkeys(OTHERS, "not in it")}
    axes.set_xticks(range(len(TITLES)), [f"{title}\n({inside[name]})" for name, title in TITLES.items()])
    axes.legend(loc="upper right", ncols=2)
