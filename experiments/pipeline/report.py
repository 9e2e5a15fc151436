"""The tables, results.json and figure of the study, from what the two runs left."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from intervals import LEVEL, WAYS, Case, calibrated, cases_of, chosen, interval, judged
from neurites import HALVES, OBSERVABLE, questions

from cellml.pipeline.answers import read_answers
from cellml.report.results import write_study_results

HERE = Path(__file__).parent


def report(work: Path) -> None:
    """Choose a way on the calibration half, judge all of them on the other, and run the last step with what was chosen."""
    from run import run_half

    halves = {half: cases_of(read_answers(work / half / "05_answers"), questions(half, work)) for half in HALVES}
    way, tried = chosen(halves["calibration"])
    calibrations = {name: calibrated(name, halves["calibration"]) for name in WAYS}
    spread = calibrations[way]
    path = HERE / "spread.json"
    from cellml.io import write_json

    if spread is not None:
        write_json(path, {"observables": {OBSERVABLE: spread.as_dict()}, "way": way, "measured_on": HALVES["calibration"]})
    judged_on_test = {name: judged(halves["test"], [interval(c, calibrations[name]) for c in halves["test"]]) for name in WAYS}
    _ways(tried, judged_on_test, way)
    _neurites(halves, calibrations[way])
    manifests = {half: json.loads((work / half / "pipeline.json").read_text(encoding="utf-8")) for half in HALVES}
    if spread is not None:
        run_half("test", work, path)
    parts = _parts(work / "test" / "06_posterior" / "posterior.json")
    best = judged_on_test[way]
    values: dict[str, tuple[float | None, str]] = {
        "total_time": (round(manifests["test"]["cpu_s"] / 60, 2), "min"),
        "coverage": (round(best["coverage"], 4), "1"),
        "interval_width_median": (round(best["width_median"], 4), "1"),
        "interval_score_ratio": (round(best["score_ratio"], 4), "1"),
        "interval_score_ratio_of_logarithms": (round(best["log_score_ratio"], 4), "1"),
        "neurites": (len(halves["test"]), "count"),
        "without_interval": (best["without"], "count"),
        "neurites_of_calibration": (len(halves["calibration"]), "count"),
        "samples": (manifests["test"]["steps"][2]["samples"], "count"),
        "clock_time_on_a_busy_machine": (round(manifests["test"]["seconds"] / 60, 1), "min"),
    }
    values |= {f"share_{name}": (round(value, 4), "1") for name, value in parts.items()}
    write_study_results(HERE, values, seed=0, way=way, halves=HALVES, level=LEVEL)
    _figure(halves["test"], calibrations[way], work / "test" / "06_posterior" / "posterior.json")
    for key, (value, unit) in values.items():
        print(f"{key:36} {value} {unit}")


def _ways(tried: dict[str, dict[str, float]], test: dict[str, dict[str, float]], way: str) -> None:
    rows = [
        {"way": name, "half": half, "chosen": name == way, **{k: round(v, 4) for k, v in found[name].items()}}
        for half, found in (("calibration, left one out", tried), ("test", test))
        for name in WAYS
    ]
    _write(HERE / "ways.csv", rows)


def _neurites(halves: dict[str, list[Case]], calibration: Any) -> None:
    rows = []
    for half, cases in halves.items():
        for c in cases:
            ends = interval(c, calibration)
            rows.append(
                {
                    "half": half,
                    "neurite": c.name,
                    "voxels": c.voxels,
                    "truth": f"{c.truth:.6g}",
                    "estimate": "" if c.drawn is None else f"{np.exp(c.drawn.middle):.6g}",
                    "spread": "" if c.drawn is None else f"{c.drawn.spread:.4f}",
                    "answers": len(c.values),
                    "low": "" if ends is None else f"{ends[0]:.6g}",
                    "high": "" if ends is None else f"{ends[1]:.6g}",
                    "inside": ends is not None and ends[0] <= c.truth <= ends[1],
                }
            )
    _write(HERE / "neurites.csv", rows)


def _parts(path: Path) -> dict[str, float]:
    """Mean first-order index of each part over the neurites of the test half."""
    found = [p["indices"] for p in json.loads(path.read_text(encoding="utf-8"))["posteriors"] if p["indices"]]
    names = [i["name"] for i in found[0]] if found else []
    return {name: float(np.nanmean([[i["first"] for i in one][k] for one in found])) for k, name in enumerate(names)}


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _figure(cases: list[Case], calibration: Any, path: Path) -> None:
    from cellml.pipeline.posterior_figure import draw_parts
    from cellml.report.figure_style import figure_style, new_figure
    from cellml.report.palette import BLUE, MUTED, ORANGE, SKY, VERMILLION
    from cellml.report.posterior_section import read_posterior

    order = sorted(cases, key=lambda c: c.truth)
    with figure_style():
        figure = new_figure(9.6, 4.2)
        left, right = figure.subplots(1, 2, width_ratios=[3, 2])
        for k, c in enumerate(order):
            ends = interval(c, calibration)
            if ends is not None and c.drawn is not None:
                inside = ends[0] <= c.truth <= ends[1]
                left.plot([k, k], ends, color=SKY if inside else VERMILLION, lw=5, solid_capstyle="butt", alpha=0.8)
                left.plot(np.full(len(c.values), k), c.values, "_", color=BLUE, ms=5, lw=0.5)
            left.plot(k, c.truth, "o", color=ORANGE, ms=5)
        left.plot([], [], "o", color=ORANGE, label="true shape")
        left.plot([], [], "_", color=BLUE, label="sampled shapes")
        left.plot([], [], color=SKY, lw=5, label="90 % interval, truth inside")
        left.plot([], [], color=VERMILLION, lw=5, label="truth outside")
        left.set(
            title="Neurites of the test half", ylabel="mean first-passage time (s)", xlabel="neurites, by their true time", yscale="log"
        )
        left.set_xticks([])
        left.tick_params(axis="y", colors=MUTED)
        left.legend(loc="upper left")
        draw_parts(right, [p for p in read_posterior(path)[0] if p.indices])
        figure.savefig(HERE / "figure.png", dpi=130)
