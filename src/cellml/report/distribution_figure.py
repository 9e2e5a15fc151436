"""Answers of generated and real shapes as cumulative distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.markup import unit_text
from cellml.report.palette import BLUE, MUTED, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def distribution_figure(rows: Sequence[Any], scores: Sequence[Any]) -> Figure:
    """One panel an observable: steps of both sides, with the distance and the share without an answer in the title.

    rows: `cellml.evaluation.distributions.ShapeRow`; scores: `DistributionScore` of the same.
    """
    count = max(1, len(scores))
    columns = min(3, count)
    with figure_style():
        figure = new_figure(3.4 * columns, 2.8 * -(-count // columns))
        grid = list(figure.subplots(-(-count // columns), columns, squeeze=False).flat)
        for axes in grid[count:]:
            axes.set_visible(False)
        if not scores:
            grid[0].text(0.5, 0.5, "no shape has an answer", ha="center", va="center", transform=grid[0].transAxes, color=MUTED)
        for axes, score in zip(grid, scores, strict=False):
            for side, colour, line in (("real", BLUE, "-"), ("generated", ORANGE, "--")):
                values = np.sort([r.value for r in rows if r.observable == score.observable and r.side == side and r.status == "ok"])
                if len(values):
                    shares = np.arange(len(values) + 1) / len(values)
                    axes.step(np.r_[values[0], values], shares, line, where="post", color=colour, label=f"{side} ({len(values)})")
            axes.set(title=score.observable.replace("_", " "), ylabel="share of shapes", ylim=(0, 1.02))
            axes.set_xlabel(f"{unit_text(score.unit)}; distance {score.wasserstein:.2g} deviations, {score.failures:.0%} without")
            axes.legend(loc="lower right")
    return figure
