"""The tables, results.json and figure of the study, from what the two runs left."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from intervals import LEVEL, WAYS, Case, calibrated, cases_of, chosen, interval, judged
from neurites import HALVES, OBSERVABLE, questions

from cellml.pipeline.answers import read_answers
from cellml.pipeline.posterior import PARTS
from cellml.report.results import write_study_results

HERE = Path(__file__).parent


def report(work: Path) -> None:
    """Choose a way on the calibration half, judge all of them on the other, and run the last step with what was chosen."""
    from run import SAMPLES, folder_of, run_half

    from cellml.io import write_json

    def cases(half: str, samples: str) -> list[Case]:
        return cases_of(read_answers(folder_of(half, samples, work) / "05_answers"), questions(half, work))

    done = [name for name in SAMPLES if all((folder_of(half, name, work) / "05_answers" / "answers.csv").is_file() for half in HALVES)]
    samples, way, tried = chosen({name: cases("calibration", name) for name in done})
    on_test = {}
    for name in done:
        learned, asked = cases("calibration", name), cases("test", name)
        on_test[name] = {one: judged(asked, [interval(c, calibrated(one, learned)) for c in asked]) for one in WAYS}
    halves = {half: cases(half, samples) for half in HALVES}
    spread = calibrated(way, halves["calibration"])
    _ways(tried, on_test, (samples, way))
    _neurites(halves, spread)
    manifest = json.loads((folder_of("test", samples, work) / "pipeline.json").read_text(encoding="utf-8"))
    if spread is not None:
        path = HERE / "spread.json"
        measured = {"way": way, "samples": SAMPLES[samples], "measured_on": HALVES["calibration"]}
        write_json(path, {"observables": {OBSERVABLE: spread.as_dict()}, **measured})
        run_half("test", samples, work, path)
    judgement = folder_of("test", samples, work) / "06_posterior" / "posterior.json"
    two = folder_of("test", f"{samples}_two_meshings", work) / "06_posterior" / "posterior.json"
    if two.is_file():  # the same samples, each in two meshes: where the variance comes from is told of these
        run_half("test", samples, work, HERE / "spread.json", meshings=(1.0, 1.4))
        judgement = two
    parts, best = _parts(judgement), on_test[samples][way]
    values: dict[str, tuple[float | None, str]] = {
        "total_time": (round(manifest["seconds"] / 60, 2), "min"),
        "processor_time": (round(manifest["cpu_s"] / 60, 2), "min"),
        "coverage": (round(best["coverage"], 4), "1"),
        "interval_width_median": (round(best["width_median"], 4), "1"),
        "interval_score_ratio": (round(best["score_ratio"], 4), "1"),
        "interval_score_ratio_of_logarithms": (round(best["log_score_ratio"], 4), "1"),
        "neurites": (len(halves["test"]), "count"),
        "without_interval": (best["without"], "count"),
        "neurites_of_calibration": (len(halves["calibration"]), "count"),
        "samples": (manifest["steps"][2]["samples"], "count"),
    }
    values |= {f"share_{name}": (None if name not in parts else round(parts[name], 4), "1") for name in PARTS}
    write_study_results(HERE, values, seed=0, way=way, samples=samples, halves=HALVES, level=LEVEL)
    _figure(halves["test"], spread, judgement)
    for key, (value, unit) in values.items():
        print(f"{key:36} {value} {unit}")


def _ways(tried: Mapping[str, Any], test: Mapping[str, Any], best: tuple[str, str]) -> None:
    rows = [
        {"samples": name, "way": way, "half": half, "chosen": (name, way) == best, **{k: round(v, 4) for k, v in numbers.items()}}
        for half, found in (("calibration, left one out", tried), ("test", test))
        for name, ways in found.items()
        for way, numbers in ways.items()
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
    """Mean first-order index of each part over the neurites of the test half; a part that no neurite tells is left out."""
    found = [i for p in json.loads(path.read_text(encoding="utf-8"))["posteriors"] for i in p["indices"] if i["first"] is not None]
    return {name: float(np.mean([i["first"] for i in found if i["name"] == name])) for name in dict.fromkeys(i["name"] for i in found)}


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
