"""Copy numbers in time: the mean over replicas, one standard deviation around it, and a few single runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.palette import BLUE, MUTED
from cellml.sim.output.time_axis import time_unit
from cellml.sim.stochastic import CopyNumbers

_RUNS, _MOST, _DPI = 5, 12, 150


def draw_copies(found: CopyNumbers, path: Path) -> None:
    """A panel for each species, at most twelve, as a PNG file."""
    names = list(found.copies)[:_MOST]
    size, unit = time_unit(float(found.times[-1]))
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    with figure_style():
        figure = new_figure(max(3.3 * columns, 4.6), 2.4 * rows + 0.4)
        grid = figure.subplots(rows, columns, squeeze=False)
        for name, axes in zip(names, grid.flat, strict=False):
            copies, t = found.copies[name], found.times / size
            mean = copies.mean(axis=0)
            deviation = copies.std(axis=0, ddof=1) if len(copies) > 1 else np.zeros(len(mean))
            for row in copies[:_RUNS]:
                axes.plot(t, row, color=MUTED, linewidth=0.6, alpha=0.6)
            axes.fill_between(t, mean - deviation, mean + deviation, color=BLUE, alpha=0.2, linewidth=0)
            axes.plot(t, mean, color=BLUE)
            axes.set(title=literal(name), xlabel=f"time ({unit})", ylabel="molecules", xlim=(0.0, float(t[-1])))
            axes.ticklabel_format(axis="y", useOffset=False)
        for axes in list(grid.flat)[len(names) :]:
            axes.set_visible(False)
        figure.suptitle(
            literal(f"{found.model.name} in {found.mesh.name}: mean ± standard deviation of {found.replicas} runs, some runs in grey"),
            fontsize=9,
            x=0.01,
            ha="left",
        )
        figure.savefig(path, format="png", dpi=_DPI)
