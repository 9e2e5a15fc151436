"""Time courses as small multiples: what the observables follow, then the molecules of each species."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.markup import unit_text
from cellml.report.palette import BLUE, GREEN
from cellml.sim.course_names import shown_courses
from cellml.sim.engine.courses import Course
from cellml.sim.output.time_axis import time_unit
from cellml.sim.solve import Solution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COURSES = "courses.png"
_MOST, _DPI = 12, 150
AMOUNT = "amount of "


def courses_figure(courses: Mapping[str, Course], title: str = "", *, most: int = _MOST) -> Figure:
    """A panel for each course under its name, at most `most`, with the time in a unit that fits; observables in blue, molecules of species
    in green.
    """
    shown = list(courses.values())[:most]
    size, unit = time_unit(float(shown[0].times[-1]))
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    with figure_style():
        figure = new_figure(max(3.1 * columns, 4.2), 2.35 * rows + (0.3 if title else 0.0))
        grid = figure.subplots(rows, columns, squeeze=False)
        for course, axes in zip(shown, grid.flat, strict=False):
            _draw(axes, course, size)
            axes.set_xlabel(f"time ({unit})")
        for axes in list(grid.flat)[len(shown) :]:
            axes.set_visible(False)
        if title:
            figure.suptitle(literal(title), fontsize=10, x=0.01, ha="left")
    return figure


def draw_courses(solution: Solution, path: Path) -> None:
    """The courses of a solution as a PNG file."""
    figure = courses_figure(shown_courses(solution.courses, solution.model), f"{solution.model.name} in {solution.mesh.name}")
    with figure_style():
        figure.savefig(path, format="png", dpi=_DPI)


def _draw(axes: Any, course: Course, size: float) -> None:
    axes.plot(course.times / size, course.values, color=GREEN if course.name.startswith(AMOUNT) else BLUE)
    axes.set_title(literal(course.name))
    axes.set_ylabel(literal(unit_text(course.unit)))
    axes.set_xlim(0.0, float(course.times[-1]) / size)
    spread, largest = float(np.ptp(course.values)), float(np.abs(course.values).max())
    if spread <= 1e-6 * largest:  # round-off is no course
        axes.set_ylim(*sorted((0.0, 1.2 * float(course.values[-1]) or 1.0)))
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-3, 5), useMathText=True, useOffset=False)
