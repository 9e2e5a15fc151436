"""One figure a study."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

from judge import JUDGES
from rows import errors, judge_floor, measured, selections
from summary import mean_error

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import BLUE, GREEN, MUTED, ORANGE, PURPLE, VERMILLION

AXIS = "simulated error: mean over neurites of min(error, 1)"
JUDGED = {"automatic": "Segmentation as it is", "mended": "After up to five pieces a neurite are joined"}
SERIES = ((BLUE, "o"), (GREEN, "s"), (ORANGE, "^"), (VERMILLION, "D"))


def wedge_figure(path: Path) -> None:
    """Simulated error by the range of tilts, a line a signal-to-noise ratio; and against what is left of the overlap."""
    with figure_style():
        canvas = new_figure(11.5, 3.9)
        axes = canvas.subplots(1, 3)
        for judge, one in zip(JUDGES, axes, strict=False):
            _by_range(one, judge)
        _against_dice(axes[2])
        canvas.savefig(path, dpi=130)


def _by_range(axes: Any, judge: str) -> None:
    found = [one for one, _ in measured("wedge")]
    for (colour, mark), snr in zip(SERIES, sorted({one.snr for one in found}, reverse=True), strict=False):
        for method in ("wiener", "repaired"):
            line = sorted((one for one in found if one.snr == snr and one.method == method), key=lambda one: one.half_range)
            if line:
                noise = f"SNR {snr:g}" if isfinite(snr) else "no noise"
                label = noise if method == "wiener" else f"{noise}, repaired"
                _with_bars(
                    axes, [o.half_range for o in line], [errors("wedge", o, "test", judge) for o in line], colour, mark, label, method
                )
    axes.axhline(mean_error(judge_floor()).value, color=MUTED, linewidth=1, linestyle=":", label="true shapes, other mesh")
    axes.set(title=JUDGED[judge], xlabel="largest tilt (°); 90: no wedge", ylabel=AXIS, ylim=(0, 1.03))
    axes.legend(loc="lower left", fontsize=7)


def _with_bars(axes: Any, places: list[int], found: list[Any], colour: str, mark: str, label: str, method: str) -> None:
    spreads = [mean_error(one) for one in found]
    values = [s.value for s in spreads]
    bars = [[s.value - s.low for s in spreads], [s.high - s.value for s in spreads]]
    shift = SERIES.index((colour, mark)) * 0.5 - 0.75
    plain = method == "wiener"
    axes.errorbar([p + shift for p in places], values, bars, color=colour, marker=mark, ms=5, capsize=2, elinewidth=0.8, label=label,
                  linestyle="-" if plain else "--", markerfacecolor=colour if plain else "white")  # fmt: skip


def _against_dice(axes: Any) -> None:
    for judge, colour, mark in (("automatic", BLUE, "o"), ("mended", PURPLE, "s")):
        found = [errors("wedge", one, "test", judge) for one, _ in measured("wedge")]
        axes.plot(
            [f.dice.mean() for f in found], [mean_error(f).value for f in found], mark, color=colour, ms=5, alpha=0.8, label=JUDGED[judge]
        )
    axes.set(title="Overlap against answers, a dot a condition", xlabel="Dice of the neurites, mean", ylabel=AXIS, ylim=(0, 1.03))
    axes.legend(loc="lower left", fontsize=7)


def filters_figure(path: Path) -> None:
    """Simulated error of each image without and with each family of filters, at the strength that the validation part chose."""
    with figure_style():
        canvas = new_figure(11.0, 1.2 + 0.26 * len(selections()))
        axes = canvas.subplots(1, 2, sharey=True)
        for judge, one in zip(JUDGES, axes, strict=True):
            _by_filter(one, judge)
        canvas.savefig(path, dpi=130)


def _by_filter(axes: Any, judge: str) -> None:
    row, ticks, names = 0.0, [], []
    damages = list(dict.fromkeys(one.damage for one, _ in measured("filters")))
    chosen = [one for one, _ in selections()]
    for damage in damages:
        for one in (c for c in chosen if c.damage == damage):
            spread, bare = mean_error(errors("filters", one, "test", judge)), one.family == "none"
            bars = [[spread.value - spread.low], [spread.high - spread.value]]
            axes.errorbar(spread.value, row, xerr=bars, color=VERMILLION if bare else BLUE, marker="D" if bare else "o", ms=5, capsize=2,
                          elinewidth=0.8, linestyle="none")  # fmt: skip
            ticks, names, row = [*ticks, row], [*names, f"{damage}: no filter" if bare else one.title], row + 1
        row += 0.7
    axes.axvline(mean_error(judge_floor()).value, color=MUTED, linewidth=1, linestyle=":")
    axes.set_yticks(ticks, names, fontsize=7.5)
    axes.set(title=JUDGED[judge], xlabel=f"{AXIS}\n(bars: 90 %; dotted: true shapes, other mesh)", xlim=(0, 1.03), ylim=(row - 0.7, -0.7))
