"""Learning curves from the CSV log of a training."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.palette import BLUE, GREEN, MUTED, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Series = tuple[Floats, Floats]

_COLOURS = {"train": BLUE, "val": ORANGE, "test": GREEN}
_MANY = 40  # from so many points on, a curve is drawn thin with its running mean over it


def read_metrics(path: Path) -> dict[str, Series]:
    """The columns of a sparse metrics.csv: name → (steps, values), empty and non-finite cells left out.

    Steps count optimizer steps; where the column `step` is missing, rows are numbered. Raises FileError for an unreadable table.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path} cannot be read as a table ({error}).") from error
    points: dict[str, list[tuple[float, float]]] = {}
    for n, row in enumerate(rows):
        step = _number(row.get("step"))
        for name, text in row.items():
            value = _number(text) if name not in (None, "step", "epoch") else math.nan
            if math.isfinite(value):
                points.setdefault(name, []).append((step if math.isfinite(step) else float(n), value))
    return {name: _series(pairs) for name, pairs in points.items()}


def learning_curves(path: Path, *, most: int = 9) -> Figure:
    """The curves of metrics.csv, as `curves_figure` draws them. Raises FileError where nothing was logged."""
    metrics = read_metrics(path)
    if not metrics:
        raise FileError(f"{path} holds no curve: every metric in it is empty.")
    return curves_figure(metrics, most=most)


def curves_figure(metrics: Mapping[str, Series], *, most: int = 9) -> Figure:
    """One panel per quantity, training and validation together; at most `most` panels.

    metrics: name, such as val/loss → (steps, values), at least one. Quantities with a training and a validation curve come first, learning
    rates last.
    """
    panels = _panels(metrics)
    shown = dict(list(panels.items())[:most])
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    with figure_style():
        figure = new_figure(max(3.5 * columns, 5.0), 2.55 * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, (quantity, curves) in zip(grid.flat, shown.items(), strict=False):
            _draw(axes, quantity, curves)
        for axes in list(grid.flat)[len(shown) :]:
            axes.set_visible(False)
    return figure


def _number(text: str | list[str] | None) -> float:
    try:
        return float(text) if isinstance(text, str) and text else math.nan
    except ValueError:
        return math.nan


def _series(pairs: list[tuple[float, float]]) -> Series:
    steps, values = np.array(sorted(pairs, key=lambda p: p[0])).T
    return steps, values


def _panels(metrics: Mapping[str, Series]) -> dict[str, dict[str, Series]]:
    """Quantity → {"train", "val", …} → series: train/loss_step and val/loss share the panel "loss"."""
    panels: dict[str, dict[str, Series]] = {}
    for name, series in metrics.items():
        stage, _, quantity = name.partition("/")
        if stage not in _COLOURS or not quantity:
            stage, quantity = "", name
        for ending in ("_step", "_epoch"):
            if quantity.endswith(ending):
                quantity = quantity.removesuffix(ending)
                stage = f"{stage} ({ending[1:]})"
        panels.setdefault(quantity, {})[stage] = series

    def rank(item: tuple[str, dict[str, Series]]) -> tuple[bool, bool, bool, str]:
        stages = {stage.partition(" ")[0] for stage in item[1]}
        return (item[0].startswith("lr"), not {"train", "val"} <= stages, not stages & {"train", "val", "test"}, item[0])

    for stages in panels.values():
        if "train (step)" in stages:  # its running mean says what the mean of each epoch says
            stages.pop("train (epoch)", None)
    return dict(sorted(panels.items(), key=rank))


def _draw(axes: Axes, quantity: str, curves: Mapping[str, Series]) -> None:
    for stage, (steps, values) in curves.items():
        colour = _COLOURS.get(stage.partition(" ")[0], MUTED)
        if len(values) >= _MANY and not stage:
            axes.plot(steps, values, color=colour)
        elif len(values) >= _MANY:
            axes.plot(steps, values, color=colour, linewidth=0.5, alpha=0.35)
            axes.plot(steps, _running_mean(values, len(values) // 20), color=colour, label=stage)
        else:
            axes.plot(steps, values, color=colour, marker="o", markersize=2.8, label=stage)
    everything = np.concatenate([values for _, values in curves.values()])
    if everything.min() > 0 and everything.max() > 30 * everything.min():
        axes.set_yscale("log")
    axes.set(title=literal(quantity.replace("_", " ").replace("/", " · ")), xlabel="optimizer step")
    if any(curves):
        axes.legend(loc="best", handlelength=1.2)


def _running_mean(values: Floats, width: int) -> Floats:
    """Mean over at most `width` values either side, over fewer at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = np.maximum(index - width, 0), np.minimum(index + width + 1, len(values))
    return np.asarray((sums[high] - sums[low]) / (high - low))
