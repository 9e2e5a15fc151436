"""Simulated numbers from the predicted geometry against those from the true one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.markup import Html, number, table
from cellml.report.objects import ObjectRow, statistics
from cellml.report.palette import BLUE, INK, MUTED, SKY, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES: dict[str, dict[str, Any]] = {
    "resolved": {"marker": "o", "facecolor": BLUE, "edgecolor": BLUE},
    "not resolved": {"marker": "o", "facecolor": "white", "edgecolor": SKY},
    "unmatched": {"marker": "x", "facecolor": VERMILLION, "edgecolor": None},
    "failed": {"marker": "^", "facecolor": VERMILLION, "edgecolor": VERMILLION},
}


def prediction_vs_truth(rows: Sequence[ObjectRow]) -> Figure:
    """One panel per observable: prediction over truth with the identity line; a last panel with the relative errors of all.

    Axes are logarithmic where positive values span more than a factor of 20. Objects without a prediction stand on the lower edge.
    """
    observables = list(dict.fromkeys(row.observable for row in rows))
    panels = len(observables) + 1
    columns = min(3, panels)
    lines = -(-panels // columns)
    with figure_style():
        figure = new_figure(3.5 * columns, 3.2 * lines)
        grid = list(figure.subplots(lines, columns, squeeze=False).flat)
        for axes, observable in zip(grid, observables, strict=False):
            _scatter(axes, observable, [row for row in rows if row.observable == observable])
        _errors(grid[len(observables)], rows, observables)
        for axes in grid[panels:]:
            axes.set_visible(False)
        _legend(figure, rows)
    return figure


def statistics_table(rows: Sequence[ObjectRow]) -> Html:
    """Per observable: how many objects fared how, and median and 90th percentile of the relative error over all of them."""
    header = [
        "observable",
        "unit",
        "objects",
        "matched",
        "of these not resolved",
        "unmatched",
        "failed",
        "median rel. error",
        "90th percentile",
    ]
    lines = [
        [
            s.observable.replace("_", " "),
            s.unit,
            s.objects,
            s.resolved + s.not_resolved,
            s.not_resolved,
            s.unmatched,
            s.failed,
            percent(s.median_error),
            percent(s.p90_error),
        ]
        for s in statistics(rows)
    ]
    return table(header, lines, text_columns=2)


def objects_table(rows: Sequence[ObjectRow]) -> Html:
    """Every object and observable: truth, prediction, relative error, what the mesh itself can be off by, and the outcome."""
    header = [
        "truth object",
        "predicted object",
        "observable",
        "unit",
        "outcome",
        "voxels",
        "IoU",
        "truth",
        "prediction",
        "rel. error",
        "discretisation error",
    ]
    lines = [
        [
            r.truth_id,
            r.predicted_id or "–",
            r.observable.replace("_", " "),
            r.unit,
            r.outcome,
            _count(r.voxels),
            number(r.iou, 3),
            r.truth,
            r.prediction,
            percent(r.error),
            percent(r.discretisation_error),
        ]
        for r in rows
    ]
    return table(header, lines, text_columns=5)


def percent(fraction: float) -> str:
    """A fraction as a percentage of three significant digits."""
    return f"{number(100.0 * float(fraction), 3)} %" if np.isfinite(fraction) else "–"


def _count(value: float) -> str:
    return number(round(value)) if np.isfinite(value) else "–"


def _scatter(axes: Axes, observable: str, rows: Sequence[ObjectRow]) -> None:
    known = [(r.truth, r.prediction, r.outcome) for r in rows if np.isfinite(r.truth)]
    values = np.array([v for truth, prediction, _ in known for v in (truth, prediction) if np.isfinite(v)])
    unit = f" ({rows[0].unit})" if rows[0].unit else ""
    axes.set(title=observable.replace("_", " "), xlabel=f"truth{unit}", ylabel=f"prediction{unit}")
    if not len(values):
        axes.text(0.5, 0.5, "no value", transform=axes.transAxes, ha="center", color=MUTED)
        return
    low, high = _limits(axes, values)
    axes.plot([low, high], [low, high], color=MUTED, linewidth=0.9, zorder=1)
    for outcome, style in _STYLES.items():
        here = [(t, p if np.isfinite(p) and outcome in ("resolved", "not resolved") else low) for t, p, o in known if o == outcome]
        if here:
            axes.scatter([x for x, _ in here], [y for _, y in here], s=34, linewidths=1.3, zorder=3, clip_on=False, **_drawn(style))
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.set_aspect("equal")


def _limits(axes: Axes, values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if low > 0 and high > 20 * low:
        axes.set(xscale="log", yscale="log")
        return low / 1.5, high * 1.5
    margin = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def _errors(axes: Axes, rows: Sequence[ObjectRow], observables: Sequence[str]) -> None:
    """A line of dots for each observable, its median as a long stroke and the 90th percentile as a short one."""
    generator = np.random.default_rng(0)
    for level, stats in enumerate(statistics(rows)):
        here = [r for r in rows if r.observable == stats.observable]
        for outcome, style in _STYLES.items():
            errors = [100 * max(r.error, 1e-5) for r in here if r.outcome == outcome]
            if errors:
                axes.scatter(errors, level + generator.uniform(-0.16, 0.16, len(errors)), s=24, linewidths=1.1, zorder=3, **_drawn(style))
        for error, length in ((stats.median_error, 0.36), (stats.p90_error, 0.22)):
            axes.plot([100 * max(error, 1e-5)] * 2, [level - length, level + length], color=INK, linewidth=2.0, zorder=2)
    axes.set(
        xscale="log",
        title="relative error of all objects",
        xlabel="|prediction − truth| / |truth| (%)",
        ylim=(len(observables) - 0.5, -0.5),
    )
    axes.set_yticks(range(len(observables)), [name.replace("_", "\n", 1).replace("_", " ") for name in observables])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _drawn(style: dict[str, Any]) -> dict[str, Any]:
    return {f"{key}s" if key != "marker" else key: value for key, value in style.items() if value is not None}


def _legend(figure: Figure, rows: Sequence[ObjectRow]) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for outcome, style in _STYLES.items():
        count = sum(row.outcome == outcome for row in rows)
        if count:
            edge = style["edgecolor"] or style["facecolor"]
            handles.append(
                Line2D(
                    [],
                    [],
                    linestyle="",
                    marker=style["marker"],
                    color=edge,
                    markerfacecolor=style["facecolor"],
                    label=f"{outcome} ({count})",
                )
            )
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
