"""How well tilt series are aligned where the truth is known: `CELLML_DATA=… python experiments/alignment/run.py`.

Rows go to rows.csv as they come, and an interrupted study goes on where it stood; draws=3 errors of each kind, draws=0 for the table,
results.json and figure of the rows there are.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.blocks import Block, OpenBlock
from cellml.data.tomography_phantom import cell_phantom
from cellml.report.results import write_study_results
from cellml.report.rows import append_row, read_rows
from cellml.tomography.alignment.align import align_tilts
from cellml.tomography.alignment.centring import centred
from cellml.tomography.alignment.cumulative import cumulative_shifts
from cellml.tomography.alignment.gauge import root_mean_square, without_translation
from cellml.tomography.alignment.matching import ProjectionMatching
from cellml.tomography.axis import axis_along_y
from cellml.tomography.misalignment import Misalignment
from cellml.tomography.simulate import simulate_tilts
from cellml.types import TiltSeries, Volume

HERE = Path(__file__).parent
ROWS = HERE / "rows.csv"
TILTS = np.arange(-60.0, 61, 2)
SHIFT, AXIS, SEARCHED = 10.0, 4.0, 8.0  # greatest shift in pixels, greatest error of the axis in degrees, and how far it is searched
STAGES = ("misaligned", "neighbours", "matched", "centred")
KEY = ("specimen", "snr", "axis", "draw")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Condition:
    """specimen: fib25 or phantom; snr: of the projections; axis: whether the axis is turned by an unknown angle; draw: a seed."""

    specimen: str
    snr: float
    axis: bool
    draw: int

    @property
    def key(self) -> tuple[str, ...]:
        """As the columns of rows.csv have it."""
        return (self.specimen, f"{self.snr:g}", str(int(self.axis)), str(self.draw))

    @property
    def thickness(self) -> int:
        """Pixels, known to whoever aligns."""
        return 64 if self.specimen == "fib25" else 96


@cache
def specimen(name: str) -> Volume:
    """fib25: a slab of 64 × 256 × 256 voxels of tissue, dense membranes positive, of which the camera sees 192 × 192; phantom: a cell
    within 96³ voxels, alone in a view of 128 × 128.
    """
    if name == "phantom":
        volume, _ = cell_phantom((96, 96, 96), seed=101)
        return replace(volume, data=np.pad(volume.data, ((0, 0), (16, 16), (16, 16))))
    block = OpenBlock(Block("fib25_valraw_B", region={"z": (96, 160)}, spacing_nm=(10.0,) * 3), need_labels=False)
    raw = block.read_raw().astype(np.float32)
    return Volume((raw.mean() - raw) / raw.std(), block.spacing, name=name)


def recorded(condition: Condition) -> tuple[TiltSeries, Misalignment]:
    """The series that is to be aligned, and its errors."""
    rng = np.random.default_rng([condition.draw, 7])
    errors = Misalignment.drawn(len(TILTS), rng, shift=SHIFT, axis=AXIS if condition.axis else 0.0)
    field = (192, 192) if condition.specimen == "fib25" else None
    series = simulate_tilts(specimen(condition.specimen), TILTS, snr=condition.snr, misalignment=errors, field=field, seed=condition.draw)
    return series, errors


def error(shifts: Floats, errors: Misalignment, turned: float) -> float:
    """Root mean square of what is left of the shifts, in pixels, without a translation of the whole; turned: degrees of the axis found."""
    turn = Misalignment.of(1, rotations=turned).matrices()[0]
    return root_mean_square(without_translation(shifts - errors.shifts @ turn, TILTS))


def measured(condition: Condition) -> dict[str, Any]:
    """A row: errors in pixels after each stage, the axis in degrees, and what centring says of itself."""
    begin = time.process_time()
    series, errors = recorded(condition)
    how = ProjectionMatching(thickness=condition.thickness, iterations=6)
    found = align_tilts(series, how, search_axis=SEARCHED if condition.axis else 0.0, centre=False)
    turned = axis_along_y(replace(series, axis_angle=found.axis_angle))
    settled, centring = centred(turned, found.shifts, how)
    stages = (np.zeros_like(errors.shifts), cumulative_shifts(turned), found.shifts, settled)
    row: dict[str, Any] = dict(zip(KEY, condition.key, strict=True))
    row |= {name: round(error(shifts, errors, found.axis_angle), 3) for name, shifts in zip(STAGES, stages, strict=True)}
    row |= {"axis_true": round(float(errors.rotations[0]), 2), "axis_found": round(found.axis_angle, 2)}
    row |= {"residual": round(found.after, 3), "way": centring.way, "claimed": round(centring.error, 3)}
    return row | {"cpu_s": round(time.process_time() - begin, 1)}


def summary(rows: list[dict[str, str]]) -> dict[str, tuple[float | None, str]]:
    """Medians over the draws, by specimen, SNR and whether the axis was known."""
    values: dict[str, tuple[float | None, str]] = {}
    for name, snr, axis in product(("fib25", "phantom"), ("10", "1"), ("0", "1")):
        chosen = [r for r in rows if (r["specimen"], r["snr"], r["axis"]) == (name, snr, axis)]
        if not chosen:
            continue
        case = f"{name}_snr{snr}" + ("_axis" if axis == "1" else "")
        for stage in STAGES:
            values[f"{case}_{stage}"] = (round(median(float(r[stage]) for r in chosen), 3), "px")
        if axis == "1":
            wrong = [abs(float(r["axis_found"]) - float(r["axis_true"])) for r in chosen]
            values[f"{case}_angle_error"] = (round(median(wrong), 2), "deg")
    return values


def table(rows: list[dict[str, str]]) -> str:
    """The table of the README: medians over the draws, and the largest after the last stage."""
    lines = ["| specimen | SNR | axis | draws | misaligned | neighbours | matched | centred | worst | angle off by |", "|" + "---|" * 10]
    names = {"fib25": "FIB-25 slab", "phantom": "cell in vacuum"}
    for axis, name, snr in product(("0", "1"), names, ("10", "1")):
        chosen = [r for r in rows if (r["specimen"], r["snr"], r["axis"]) == (name, snr, axis)]
        if not chosen:
            continue
        medians = " | ".join(f"{median(float(r[stage]) for r in chosen):.2f}" for stage in STAGES)
        worst = max(float(r["centred"]) for r in chosen)
        wrong = ", ".join(f"{abs(float(r['axis_found']) - float(r['axis_true'])):.2f}°" for r in chosen) if axis == "1" else "–"
        known = "searched" if axis == "1" else "known"
        lines.append(f"| {names[name]} | {snr} | {known} | {len(chosen)} | {medians} | {worst:.2f} | {wrong} |")
    return "\n".join(lines)


def draw_figure(rows: list[dict[str, str]]) -> None:
    """Error after each stage, one line a draw."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    titles = {"fib25": "FIB-25 tissue, slab beyond the camera", "phantom": "cell alone in the view"}
    styles = {
        ("10", "0"): ("#0072B2", "-", "o"),
        ("1", "0"): ("#D55E00", "-", "s"),
        ("10", "1"): ("#0072B2", ":", "^"),
        ("1", "1"): ("#D55E00", ":", "v"),
    }
    for place, name in zip(axes, titles, strict=True):
        for (snr, axis), (colour, line, marker) in styles.items():
            label = f"SNR {snr}" + (", axis searched" if axis == "1" else "")
            for row in (r for r in rows if (r["specimen"], r["snr"], r["axis"]) == (name, snr, axis)):
                place.plot(STAGES, [float(row[stage]) for stage in STAGES], line, color=colour, marker=marker, ms=4, lw=1, label=label)
                label = ""
        place.set(title=titles[name], yscale="log")
        place.grid(axis="y", which="both", lw=0.3)
    axes[0].set_ylabel("root mean square error (pixels)")
    axes[1].legend(fontsize=8)
    figure.suptitle("What is left of shifts up to ±10 pixels, ±60° by 2°", fontsize=11)
    figure.tight_layout()
    figure.savefig(HERE / "figure.png", dpi=120)


def main(words: list[str]) -> None:
    """Rows that are missing, then results.json and the figure from all of them."""
    draws = int(dict(word.split("=", 1) for word in words).get("draws", "3"))
    done = {tuple(row[name] for name in KEY) for row in read_rows(ROWS)}
    for axis, draw, snr, name in product((False, True), range(draws), (10.0, 1.0), ("fib25", "phantom")):
        condition = Condition(name, snr, axis, draw)
        if condition.key not in done:
            append_row(ROWS, measured(condition))
    rows = read_rows(ROWS)
    write_study_results(HERE, summary(rows), seed=0, rows=len(rows))
    draw_figure(rows)
    print(table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
