"""Figures of structure and phenotype: slopes of all pairs, and curves of partial dependence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellml.populations.association import Association
from cellml.populations.dependence import Dependence
from cellml.populations.scales import Columns, Floats


def draw_associations(found: Sequence[Association], path: Path, *, fdr: float, level: float) -> None:
    """Slope and interval of each feature, a panel an observable; filled where the discovery is kept at the false-discovery rate `fdr`."""
    from cellml.report.figure_style import figure_style, literal, new_figure
    from cellml.report.palette import BLUE, MUTED

    observables = list(dict.fromkeys(one.observable for one in found))
    features = list(dict.fromkeys(one.feature for one in found))
    with figure_style():
        figure = new_figure(2.0 + 2.2 * len(observables), 1.4 + 0.2 * len(features))
        panels = figure.subplots(1, len(observables), sharey=True, squeeze=False)[0]
        for axes, observable in zip(panels, observables, strict=True):
            for one in (a for a in found if a.observable == observable):
                place, kept = features.index(one.feature), one.q <= fdr
                axes.plot([one.low, one.high], [place, place], color=BLUE if kept else MUTED)
                axes.plot(one.slope, place, "o", color=BLUE if kept else MUTED, markerfacecolor=BLUE if kept else "white", markersize=4)
            axes.axvline(0, color=MUTED, linewidth=0.8)
            axes.set(xlim=(-1.05, 1.05), title=literal(observable))
        panels[0].set_yticks(range(len(features)), [literal(name) for name in features])
        panels[0].invert_yaxis()
        figure.supxlabel(f"slope (s.d. per s.d.), {100 * level:.0f} % interval over groups; filled: q ≤ {fdr:g}", fontsize=8.5)
        figure.savefig(path, dpi=150)


def draw_dependences(curves: Sequence[Dependence], features: Columns, observables: Columns, units: Mapping[str, str], path: Path) -> None:
    """Curves of partial dependence with their bands, over the shapes' own values as ticks; a row an observable."""
    from cellml.report.figure_style import figure_style, literal, new_figure
    from cellml.report.palette import BLUE, MUTED

    rows = list(dict.fromkeys(curve.observable for curve in curves))
    count = max(sum(curve.observable == row for curve in curves) for row in rows)
    with figure_style():
        figure = new_figure(2.6 * count, 2.1 * len(rows))
        panels = figure.subplots(len(rows), count, squeeze=False)
        for line, row in zip(panels, rows, strict=True):
            of_row = [curve for curve in curves if curve.observable == row]
            for axes, curve in zip(line, of_row, strict=False):
                x, y = (_shown(one, name) for one, name in ((features, curve.feature), (observables, row)))
                axes.fill_between(x(curve.places), y(curve.low), y(curve.high), color=BLUE, alpha=0.2, linewidth=0)
                axes.plot(x(curve.places), y(curve.values), color=BLUE)
                inside = features.values[:, features.names.index(curve.feature)]
                inside = inside[(inside >= curve.places[0]) & (inside <= curve.places[-1])]
                axes.plot(x(inside), np.full(len(inside), 0.02), "|", color=MUTED, markersize=5, transform=axes.get_xaxis_transform())
                axes.set(xlabel=literal(curve.feature))
                for logarithmic, axis, ends in (
                    (_logarithmic(features, curve.feature), "x", x(curve.places[[0, -1]])),
                    (_logarithmic(observables, row), "y", y(np.array([curve.low.min(), curve.high.max()]))),
                ):
                    if logarithmic:
                        _set_logarithmic(axes, axis, ends)
            line[0].set_ylabel(literal(f"{row} ({units.get(row) or '1'})"))
            for axes in line[len(of_row) :]:
                axes.set_axis_off()
        figure.suptitle("Partial dependence of a forest, 90 % band over groups; ticks: the shapes", fontsize=9)
        figure.savefig(path, dpi=150)


def _set_logarithmic(axes: Any, name: str, ends: Floats) -> None:
    """A logarithmic axis with three ticks, for it spans less than decades and would print over itself."""
    from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

    axes.set(**{f"{name}scale": "log"})
    axis = getattr(axes, f"{name}axis")
    axis.set_major_locator(FixedLocator(np.geomspace(ends[0], ends[1], 3).tolist()))
    axis.set_major_formatter(FormatStrFormatter("%.2g"))
    axis.set_minor_locator(NullLocator())


def _logarithmic(columns: Columns, name: str) -> bool:
    return bool(columns.logarithms[columns.names.index(name)])


def _shown(columns: Columns, name: str):  # type: ignore[no-untyped-def]
    """From the scale of a column to its numbers."""

    def identity(values: Floats) -> Floats:
        return values

    return np.exp if _logarithmic(columns, name) else identity
