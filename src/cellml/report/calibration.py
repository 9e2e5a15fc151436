"""Reliability diagrams: stated probability against how often it came true."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.errors import FileError
from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.markup import Html, picture
from cellml.report.palette import BLUE, MUTED, ORANGE
from cellml.report.run_folder import AbsentError, RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CALIBRATION_FILE = "calibration.json"
_STATES = (("before", BLUE, "o", "as predicted"), ("after", ORANGE, "s", "at temperature {:.2f}"))


def reliability_figure(calibration: Mapping[str, Any]) -> Figure:
    """What `cellml calibrate` wrote, as a diagram of each of up to five channels and of the likeliest answer, with the counts below.

    Honest probabilities lie on the diagonal; below it the network is too sure.
    """
    panels = _panels(calibration)
    with figure_style():
        figure = new_figure(2.6 * len(panels) + 0.4, 4.0)
        axes = figure.subplots(2, len(panels), squeeze=False, height_ratios=(3, 1), sharex="col")
        for column, (title, curves) in enumerate(panels):
            _diagram(axes[0, column], title, curves, float(calibration["temperature"]))
            _counts(axes[1, column], curves["before"])
        axes[0, 0].set_ylabel("share that came true")
        axes[1, 0].set_ylabel("voxels")
        figure.suptitle("Reliability of predicted probabilities (below the diagonal: too sure)", fontsize=9)
        axes[0, -1].legend(loc="upper left")
    return figure


def calibration_section(run: RunFolder) -> Html:
    """The diagram of calibration.json in a run folder."""
    path = run.path / CALIBRATION_FILE
    if not path.is_file():
        raise AbsentError
    try:
        calibration = json.loads(path.read_text(encoding="utf-8"))
        before, after = calibration["before"], calibration["after"]
        caption = (
            f"Measured on {calibration['voxels']:,} answers of {calibration['data']}. Expected calibration error {before['ece']:.3f} as "
            f"predicted, {after['ece']:.3f} at temperature {calibration['temperature']:.2f}; Brier score {before['brier']:.3f} and "
            f"{after['brier']:.3f}; −ln p(truth) {before['nll']:.3f} and {after['nll']:.3f} nat. The temperature was fitted to these "
            "voxels."
        )
        figure = reliability_figure(calibration)
    except (ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path.name} is no calibration ({type(error).__name__}: {error}); make it with cellml calibrate.") from error
    return picture(figure, alt="Reliability diagrams before and after temperature scaling", caption=caption)


def _panels(calibration: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    curves = {state: calibration[state]["curves"] for state, *_ in _STATES}
    panels = [("likeliest answer", {state: curve["top"] for state, curve in curves.items()})]
    for k, name in enumerate(calibration["names"][:5]):
        panels.append((str(name), {state: curve["channels"][k] for state, curve in curves.items()}))
    return panels


def _diagram(axes: Axes, title: str, curves: Mapping[str, Any], temperature: float) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle="--")
    for state, colour, marker, label in _STATES:
        bins = {name: np.asarray(values, float) for name, values in curves[state].items()}
        kept = bins["voxels"] > 0
        x, y = (bins[name][kept] / bins["voxels"][kept] for name in ("stated", "observed"))
        axes.plot(x, y, color=colour, marker=marker, markersize=3, label=label.format(temperature))
    axes.set_title(literal(title))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")


def _counts(axes: Axes, bins: Mapping[str, Any]) -> None:
    voxels = np.asarray(bins["voxels"], float)
    edges = np.linspace(0, 1, len(voxels) + 1)
    axes.bar(edges[:-1], np.maximum(voxels, 0.5), width=np.diff(edges), align="edge", color=MUTED)
    axes.set_yscale("log")
    axes.set_xlabel("stated probability")
