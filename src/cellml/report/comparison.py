"""Simulated numbers from the predicted geometry against those from the true one, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.markup import number, unit_text
from cellml.report.objects import ObjectRow, statistics, unit_of
from cellml.report.palette import BLUE, INK, MUTED, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Outcome → marker, face, edge: told apart by shape too, for readers and printers without colour.
_MARKS = {
    "resolved": ("o", BLUE, BLUE),
    "not resolved": ("o", "white", BLUE),
    "unmatched": ("X", VERMILLION, "white"),
    "failed": ("^", VERMILLION, "white"),
}
_LEAST = 1e-4  # relative errors below stand on this one: a logarithmic axis has no zero


def prediction_vs_truth(rows: Sequence[ObjectRow]) -> Figure:
    """One panel per observable: prediction over truth with the identity line; a last panel with the relative errors of all.

    Axes are logarithmic where positive values span more than a factor of 20. Objects without a prediction stand on the lower edge.
    """
    observables = list(dict.fromkeys(row.observable for row in rows))
    columns = min(4 if len(observables) > 5 else 3, len(observables) + 1)
    lines = -(-(len(observables) + 1) // columns)
    with figure_style():
        figure = new_figure(10.8 * columns / max(columns, 3), lines * 11.6 / max(columns, 3))
        grid = list(figure.subplots(lines, columns, squeeze=False).flat)
        for axes, observable in zip(grid, observables, strict=False):
            _scatter(axes, observable, [row for row in rows if row.observable == observable])
        _errors(grid[len(observables)], rows)
        for axes in grid[len(observables) + 1 :]:
            axes.set_visible(False)
        _legend(figure, rows)
    return figure


def _scatter(axes: Axes, observable: str, rows: Sequence[ObjectRow]) -> None:
    unit = f" ({literal(unit_text(unit_of(rows)))})" if unit_of(rows) else ""
    axes.set(title=literal(observable.replace("_", " ")), xlabel=f"truth{unit}", ylabel=f"prediction{unit}")
    axes.set_box_aspect(1.0)
    known = [row for row in rows if np.isfinite(row.truth) and row.outcome in _MARKS]
    values = np.array([v for row in known for v in (row.truth, row.prediction) if np.isfinite(v)])
    if not len(values):
        axes.text(0.5, 0.5, "no value", transform=axes.transAxes, ha="center", color=MUTED)
        return
    low, high = _limits(axes, values)
    axes.plot([low, high], [low, high], color=MUTED, linewidth=0.9, zorder=1)
    for row in known:
        _mark(axes, row.truth, row.prediction if row.outcome in ("resolved", "not resolved") else low, row.outcome)
    axes.set(xlim=(low, high), ylim=(low, high))


def _mark(axes: Axes, x: float, y: float, outcome: str) -> None:
    marker, face, edge = _MARKS[outcome]
    size = 36 if marker == "o" else 64
    axes.scatter(x, y, s=size, marker=marker, facecolors=face, edgecolors=edge, linewidths=1.1, zorder=3, clip_on=False)


def _limits(axes: Axes, values: np.ndarray) -> tuple[float, float]:
    from matplotlib.ticker import MaxNLocator

    low, high = float(values.min()), float(values.max())
    if low > 0 and high > 20 * low:
        axes.set(xscale="log", yscale="log")
        _decades(axes.xaxis, high / low)
        _decades(axes.yaxis, high / low)
        return low / 1.5, high * 1.5
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    margin = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def _decades(axis: Axis, span: float) -> None:
    """Ticks at 1, 2, 5 within a few decades, at powers of ten beyond, as plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if span < 100 else (1.0,)))
    axis.set_major_formatter(lambda value, _: number(float(value), 6))
    axis.set_minor_formatter(NullFormatter())


def _errors(axes: Axes, rows: Sequence[ObjectRow]) -> None:
    """A line of marks for each observable, its median as a long stroke and the 90th percentile as a short one."""
    generator = np.random.default_rng(0)
    table = statistics(rows)
    for level, stats in enumerate(table):
        for row in rows:
            if row.observable == stats.observable and row.outcome in _MARKS:
                _mark(axes, 100.0 * max(row.error, _LEAST), level + generator.uniform(-0.16, 0.16), row.outcome)
        for error, length in ((stats.median_error, 0.36), (stats.p90_error, 0.22)):
            axes.plot([100.0 * max(error, _LEAST)] * 2, [level - length, level + length], color=INK, linewidth=2.0, zorder=2)
    axes.set(xscale="log", ylim=(len(table) - 0.5, -0.5))
    axes.set(title="relative error of all objects", xlabel="|prediction − truth| / |truth| (%)")
    axes.set_box_aspect(1.0)
    axes.set_yticks(range(len(table)), [literal(s.observable.replace("_", "\n", 1).replace("_", " ")) for s in table])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _legend(figure: Figure, rows: Sequence[ObjectRow]) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for outcome, (marker, face, edge) in _MARKS.items():
        count = sum(row.outcome == outcome for row in rows)
        if count:
            handle = Line2D([], [], linestyle="", marker=marker, markersize=8, markerfacecolor=face, markeredgecolor=edge)  # type: ignore[arg-type]
            handle.set_label(f"{outcome} ({count})")
            handles.append(handle)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
