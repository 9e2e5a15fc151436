"""Pictures of an estimation: data and bands, profiles, and samples in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.markup import unit_text
from cellml.report.palette import BLUE, INK, ORANGE, SKY
from cellml.sim.engine.courses import course_requests, unit_of
from cellml.sim.estimation.chain import Chain
from cellml.sim.estimation.fit import Fit
from cellml.sim.estimation.predictive import Band
from cellml.sim.estimation.profile import Profile
from cellml.sim.estimation.unknowns import Unknown
from cellml.sim.output.time_axis import time_unit
from cellml.sim.quantities import from_base

PREDICTIVE, PROFILES, PAIRS = "predictive.png", "profiles.png", "pairs.png"
_DPI = 150


def draw_predictive(fit: Fit, bands: Sequence[Band], path: Path) -> None:
    """Measurements with their errors, the course of the best fit, and the band that holds 90 % of the posterior's courses."""
    best, model = fit.problem.courses(fit.z), fit.problem.model
    units = {request.name: unit_of(model, request) for request in course_requests(model)}
    size, unit = time_unit(float(bands[0].times[-1]))
    with figure_style():
        figure = new_figure(max(3.6 * len(bands), 4.4), 3.0)
        for axes, band in zip(figure.subplots(1, len(bands), squeeze=False).flat, bands, strict=True):
            scale = from_base(1.0, units[band.observable])
            low, high = band.low * scale, band.high * scale
            axes.fill_between(band.times / size, low, high, color=SKY, alpha=0.45, lw=0, label="90 % of the posterior")
            times, values = best[band.observable]
            axes.plot(times / size, values * scale, color=BLUE, label="best fit")
            for m in fit.problem.measurements:
                if m.observable == band.observable:
                    axes.errorbar(
                        m.times / size,
                        m.values * scale,
                        2 * m.sd * scale,
                        fmt="o",
                        ms=3,
                        lw=0.8,
                        color=INK,
                        label="measured ± 2 sd",
                        zorder=3,
                    )
            axes.set_title(literal(band.observable.replace("_", " ")))
            axes.set_xlabel(f"time ({unit})")
            axes.set_ylabel(literal(unit_text(units[band.observable])))
        figure.axes[0].legend()
        figure.savefig(path, format="png", dpi=_DPI)


def draw_profiles(fit: Fit, profiles: Sequence[Profile], path: Path) -> None:
    """The rise of −2 ln posterior for each parameter, Laplace's parabola beside it, and the threshold of the interval."""
    from scipy.stats import chi2

    with figure_style():
        figure = new_figure(max(2.9 * len(profiles), 4.4), 2.8)
        for axes, each in zip(figure.subplots(1, len(profiles), squeeze=False).flat, profiles, strict=True):
            k, unknown = _unknown(fit, each.name)
            sd, z = np.sqrt(fit.covariance[k, k]), np.linspace(each.z[0], each.z[-1], 100)
            axes.plot([unknown.told(v) for v in z], ((z - fit.z[k]) / sd) ** 2, "--", color=ORANGE, label="Laplace")
            axes.plot([unknown.told(v) for v in each.z], each.rise, "o-", ms=3, color=BLUE, label="profile")
            axes.axhline(chi2.ppf(each.level, 1), color=INK, lw=0.8, ls=":", label=f"{each.level:.0%} interval")
            axes.set_title(literal(each.name))
            axes.set_xlabel(literal(unit_text(unknown.unit)))
            axes.set_ylim(bottom=0)
            axes.ticklabel_format(axis="x", style="sci", scilimits=(-3, 4), useMathText=True)
        figure.axes[0].set_ylabel("rise of −2 ln posterior")
        figure.axes[0].legend(loc="upper center")
        figure.savefig(path, format="png", dpi=_DPI)


def draw_pairs(chain: Chain, path: Path) -> None:
    """Samples of every two parameters, and the histogram of each."""
    sought = chain.fit.problem.unknowns
    values: Mapping[str, NDArray[np.float64]] = {
        u.name: np.array([u.told(float(z)) for z in column]) for u, column in zip(sought, chain.samples.T, strict=True)
    }
    with figure_style():
        figure = new_figure(2.1 * len(sought) + 0.6, 2.0 * len(sought) + 0.4)
        grid = figure.subplots(len(sought), len(sought), squeeze=False)
        for i, row in enumerate(sought):
            for j, column in enumerate(sought):
                _draw_pair(grid[i, j], values, row, column, i, j)
                if i == len(sought) - 1:
                    grid[i, j].set_xlabel(literal(f"{column.name} ({unit_text(column.unit)})"))
                if j == 0 and i > 0:
                    grid[i, j].set_ylabel(literal(f"{row.name} ({unit_text(row.unit)})"))
        figure.savefig(path, format="png", dpi=_DPI)


def _draw_pair(axes: Any, values: Mapping[str, NDArray[np.float64]], row: Unknown, column: Unknown, i: int, j: int) -> None:
    if j > i:
        axes.set_visible(False)
    elif i == j:
        axes.hist(values[row.name], bins=30, color=BLUE, alpha=0.8)
        axes.set_yticks([])
    else:
        axes.plot(values[column.name], values[row.name], ".", ms=1.5, color=BLUE, alpha=0.3, rasterized=True)
    axes.ticklabel_format(axis="both", style="sci", scilimits=(-3, 4), useMathText=True)


def _unknown(fit: Fit, name: str) -> tuple[int, Unknown]:
    k = [u.name for u in fit.problem.unknowns].index(name)
    return k, fit.problem.unknowns[k]
