"""Errors of all cases as small panels, with the slopes that theory gives."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from cellml.report.figure_style import figure_style, new_figure

# Panel: case, axis of what is varied, slopes that are drawn for comparison.
PANELS: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    ("sphere", "edge length / µm", (2,)),
    ("manufactured", "edge length / µm, and step / s", (2,)),
    ("time", "step / s (mean)", (1, 2)),
    ("bulk_surface", "edge length / µm", (2,)),
    ("surface", "edge length / µm", (2,)),
    ("crank", "edge length / µm", (2,)),
    ("conservation", "steps", ()),
    ("lame", "edge length / µm", (1, 2, 3)),
    ("adaptive", "1 / unknowns", (1 / 2, 1 / 3)),
    ("narrow_escape_fem", "1 / unknowns", ()),
)
# Okabe & Ito: told apart by colour-blind readers; markers tell them apart in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^Dv<>"


def draw(rows: list[dict[str, str]], titles: dict[str, str], path: Path) -> None:
    """Write the panels of cases that have rows."""
    families: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if float(row["size"]) > 0 and float(row["error"]) > 0:
            families[row["case"]][row["series"]].append((float(row["size"]), float(row["error"])))
    shown = [panel for panel in PANELS if panel[0] in families]
    if not shown:
        return
    columns = min(len(shown), 4)
    with figure_style():
        figure = new_figure(3.4 * columns, 2.9 * -(-len(shown) // columns))
        axes = np.atleast_1d(figure.subplots(-(-len(shown) // columns), columns)).ravel()
        for axis, (case, label, slopes) in zip(axes, shown, strict=False):
            _panel(axis, families[case], slopes)
            axis.set(title=titles[case], xlabel=label, ylabel="error" if case != "conservation" else "relative change")
        for axis in axes[len(shown) :]:
            axis.set_axis_off()
        figure.savefig(path, dpi=130)


def _panel(axis: object, family: dict[str, list[tuple[float, float]]], slopes: tuple[float, ...]) -> None:
    for number, (series, found) in enumerate(family.items()):
        x, y = np.array(sorted(found)).T
        axis.loglog(x, y, marker=MARKERS[number % 7], markersize=3.5, color=COLOURS[number % 7], label=series)  # type: ignore[attr-defined]
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    whole = np.array([pair for found in family.values() for pair in found])
    low, high = whole[:, 0].min(), whole[:, 0].max()
    for slope in slopes:
        # Through the lowest point on the left, a little below.
        bottom = whole[whole[:, 0] <= low * 1.5][:, 1].min() * 0.6
        axis.loglog([low, high], [bottom, bottom * (high / low) ** slope], color="0.6", linewidth=0.9, linestyle="--")  # type: ignore[attr-defined]
        axis.annotate(_named(slope), (high, bottom * (high / low) ** slope), color="0.45", fontsize=7, ha="right", va="top")  # type: ignore[attr-defined]
    # Labels at decades only: in between they would overlap.
    for each in (axis.xaxis, axis.yaxis):  # type: ignore[attr-defined]
        each.set_minor_formatter(NullFormatter())
        each.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if each is axis.xaxis and high / low < 15 else (1.0,)))  # type: ignore[attr-defined]
        each.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value > 1e-3 else f"{value:.0e}".replace("e-0", "e-")))
    axis.legend(fontsize=6.5)  # type: ignore[attr-defined]


def _named(slope: float) -> str:
    return f"slope {slope:g}" if slope == int(slope) else f"slope 1/{round(1 / slope)}"
