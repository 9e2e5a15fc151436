"""The study's figure: three learned laws with their bands, coverage along the visited range, and the bands of energies by tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellml.report.figure_style import figure_style, new_figure

# Okabe and Ito's colours; markers and line styles say it again.
STYLES = {"Michaelis–Menten": ("#0072B2", "o"), "Hill": ("#D55E00", "s"), "linear": ("#009E73", "^")}
TESTS = {"one pinched bar": ("#CC79A7", "o"), "bar and shear": ("#56B4E9", "s")}
Rows = list[dict[str, str]]


def draw(examples: Rows, rates: Rows, energies: Rows, path: Path) -> None:
    """Draw what there is into a PNG."""
    with figure_style():
        figure = new_figure(10.5, 6.0)
        axes = figure.subplots(2, 3)
        for axis, kind in zip(axes[0], STYLES, strict=True):
            _law(axis, [row for row in examples if row["kind"] == kind], kind)
        _along(axes[1, 0], rates)
        _by_test(axes[1, 1], energies, "inside", 100.0, "held by the 90 % band (%)", "Energies: coverage where seen")
        axes[1, 1].axhline(90, color="0.4", linestyle=":", linewidth=1)
        axes[1, 1].set_ylim(0, 105)
        _by_test(axes[1, 2], energies, "half_width", 100.0, "half width (% of the stress)", "Energies: width where seen")
        figure.savefig(path, dpi=140)


def _law(axis: Any, rows: Rows, kind: str) -> None:
    c, law, rate, low, high = (np.array([float(row[key]) for row in rows]) for key in ("concentration_um", "law", "rate", "low", "high"))
    seen, colour = np.array([row["visited"] == "1" for row in rows]), STYLES[kind][0]
    axis.fill_between(c, low, high, color="0.88", linewidth=0, label="90 %, not visited")
    axis.fill_between(c[seen], low[seen], high[seen], color=colour, alpha=0.35, linewidth=0, label="90 %, visited")
    axis.plot(c, rate, color=colour, label="learned")
    axis.plot(c, law, "--", color="black", linewidth=1.0, label="hidden law")
    axis.set(title=kind, xlabel="concentration (µM)", ylabel="rate (molecules/µm²/s)")
    axis.legend(loc="upper left")


def _along(axis: Any, rows: Rows) -> None:
    for kind, (colour, marker) in STYLES.items():
        tenths = np.array([[float(cell) for cell in row["tenths"].split()] for row in rows if row["kind"] == kind])
        if len(tenths):
            axis.plot(np.arange(5, 100, 10), 100 * tenths.mean(axis=0), marker=marker, color=colour, label=f"{kind} ({len(tenths)})")
    axis.axhline(90, color="0.4", linestyle=":", linewidth=1)
    axis.set(
        title="Rates: coverage along the visited range", xlabel="place in the range (%)", ylabel="held by the 90 % band (%)", ylim=(0, 105)
    )
    axis.legend(loc="lower right", title="law (data sets)")


def _by_test(axis: Any, rows: Rows, column: str, scale: float, label: str, title: str) -> None:
    curves: Sequence[str] = list(dict.fromkeys(row["curve"] for row in rows if not row["curve"].startswith("refused")))
    for number, (tests, (colour, marker)) in enumerate(TESTS.items()):
        for place, curve in enumerate(curves):
            values = [scale * float(row[column]) for row in rows if (row["tests"], row["curve"]) == (tests, curve) and row[column] != "nan"]
            at = place + 0.3 * (number - 0.5)
            shifts = np.linspace(-0.08, 0.08, len(values)) if len(values) > 1 else np.zeros(len(values))
            axis.plot(
                at + shifts, values, marker, color=colour, alpha=0.35, markersize=4, linestyle="none", label=None if place else f"{tests}"
            )
            if values:
                axis.plot([at - 0.12, at + 0.12], [np.mean(values)] * 2, color=colour, linewidth=2.5)
    axis.set_xticks(range(len(curves)), curves)
    axis.set(title=title, ylabel=label)
    if curves:
        axis.legend(loc="best")
