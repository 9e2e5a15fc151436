"""Tables become numbers, a figure, and the table of the README."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from conditions import AGAINST_NOISE, ERRORS, FILTERS, REPAIRS
from tables import read_rows

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import BLUE, GREEN, MUTED, ORANGE, VERMILLION
from cellml.report.results import write_study_results

HERE = Path(__file__).parent
Key = tuple[str, str, str]


def means(name: str, column: str) -> dict[Key, float]:
    """{(error, strength, repair): mean over draws} of a table."""
    found: dict[Key, list[float]] = defaultdict(list)
    for row in read_rows(HERE / name):
        found[(row["error"], row["strength"], row["repair"])].append(float(row[column]))
    return {key: float(np.mean(values)) for key, values in found.items()}


def answers() -> dict[Key, float]:
    """Median relative error of the solved observables over all neurites; unmatched and failed ones count as 1."""
    found: dict[Key, list[float]] = defaultdict(list)
    for row in read_rows(HERE / "answers.csv"):
        if row["status"] not in ("undefined", "timed out"):
            found[(row["error"], row["strength"], row["repair"])].append(float(row["rel_error"]))
    return {key: float(np.median(values)) for key, values in found.items()}


def table() -> str:
    """All rows in the order of the study, in Markdown."""
    rand, voi, answer = means("scores.csv", "adapted_rand_error"), means("scores.csv", "voi_sum"), answers()
    lines = ["| image | adapted Rand error | VI (bit) | simulated answer, median relative error |", "|---|---|---|---|"]
    for key in sorted(rand, key=_order):
        told = f"{100 * answer[key]:.0f} %" if key in answer else ""
        lines.append(f"| {described(key)} | {rand[key]:.3f} | {voi[key]:.2f} | {told} |")
    return "\n".join(lines)


def mitochondria_table() -> str:
    """IoUs of the mitochondria, in Markdown."""
    names = ("forest_iou", "forest_trained_on_the_same_iou", "unet_iou")
    columns = [means("mitochondria.csv", name) for name in names]
    lines = ["| image | forest | forest trained on such images | U-Net |", "|---|---|---|---|"]
    lines += [f"| {described(key)} | {' | '.join(f'{c[key]:.3f}' for c in columns)} |" for key in sorted(columns[0], key=_order)]
    return "\n".join(lines)


def threshold_table() -> str:
    """The best of some thresholds of the decoder, chosen on the truth: a bound."""
    found: dict[Key, list[tuple[float, float]]] = defaultdict(list)
    for row in read_rows(HERE / "thresholds.csv"):
        found[(row["error"], row["strength"], row["repair"])].append((float(row["adapted_rand_error"]), float(row["threshold"])))
    rand = means("scores.csv", "adapted_rand_error")
    lines = ["| image | adapted Rand error at 0.45 | at the best threshold | which |", "|---|---|---|---|"]
    for key in sorted(found, key=_order):
        best, threshold = min(found[key])
        lines.append(f"| {described(key)} | {rand[key]:.3f} | {best:.3f} | {threshold:g} |")
    return "\n".join(lines)


def described(key: Key) -> str:
    """A condition in words."""
    error, strength, repair = key
    what = "as measured" if error == "none" else f"{error}, {strength} {ERRORS[error].unit}"
    return what if repair == "none" else f"{what}; {repair}"


def _order(key: Key) -> tuple[int, int, float, int]:
    error, strength, repair = key
    names, repairs = ["none", *ERRORS], ["none", *FILTERS, *dict.fromkeys(r for r, _ in REPAIRS.values()), AGAINST_NOISE[-1]]
    place = 0.0 if error == "none" else list(ERRORS[error].strengths).index(float(strength))
    return (int(error != "none"), names.index(error), place, repairs.index(repair))


def figure() -> None:
    """Errors by strength, and filters on clean and noisy images, on one scale of adapted Rand error."""
    rand = means("scores.csv", "adapted_rand_error")
    base = rand[("none", "0", "none")]
    with figure_style():
        canvas = new_figure(11.5, 6.2)
        left, right = canvas.subplots(1, 2)
        _errors(left, rand, base)
        _filters(right, rand, base)
        canvas.suptitle(
            "FIB-25 neurites by the reference U-Net, which was trained on images as they are; the line is its error on them",
            x=0.01,
            ha="left",
            fontweight="bold",
        )
        canvas.savefig(HERE / "figure.png", dpi=120)


def _errors(axes: Any, rand: dict[Key, float], base: float) -> None:
    for row, (name, error) in enumerate(ERRORS.items()):
        for place, (strength, size) in enumerate(zip(error.strengths, (25, 55, 95), strict=True)):
            value = rand.get((name, f"{strength:g}", "none"))
            if value is not None:
                axes.scatter(
                    value, row, s=size, color=BLUE, alpha=0.45 + 0.25 * place, zorder=3, label="error" if row + place == 0 else None
                )
        if name in REPAIRS:
            value = rand.get((name, f"{error.strengths[2]:g}", REPAIRS[name][0]))
            if value is not None:
                axes.scatter(value, row - 0.28, marker="D", s=40, color=GREEN, zorder=4, label=None)
    axes.axvline(base, color=MUTED, linewidth=1)
    axes.set_yticks(
        range(len(ERRORS)), [f"{n}\n{', '.join(f'{s:g}' for s in e.strengths)} {e.unit}" for n, e in ERRORS.items()], fontsize=7
    )
    axes.scatter([], [], s=55, color=BLUE, label="error, larger = stronger")
    axes.scatter([], [], s=40, marker="D", color=GREEN, label="the strongest, repaired")
    axes.set(xlabel="adapted Rand error", title="Image errors, and their repair", xlim=(0, 1))
    axes.invert_yaxis()
    axes.legend(loc="center right")


def _filters(axes: Any, rand: dict[Key, float], base: float) -> None:
    names = ["none", *FILTERS, AGAINST_NOISE[-1]]
    series = (
        ("none", "0", "as measured", BLUE, "o"),
        ("noise", "20", "noise, 20 electrons", ORANGE, "s"),
        ("noise", "5", "noise, 5 electrons", VERMILLION, "^"),
    )
    for error, strength, label, colour, marker in series:
        places = [(rand[(error, strength, n)], row) for row, n in enumerate(names) if (error, strength, n) in rand]
        if places:
            axes.scatter(*zip(*places, strict=True), color=colour, marker=marker, s=45, zorder=3, label=label)
    axes.axvline(base, color=MUTED, linewidth=1)
    axes.set_yticks(range(len(names)), ["no filter", *names[1:]], fontsize=7.5)
    axes.set(xlabel="adapted Rand error", title="Filters", xlim=(0, 1), ylim=(len(names) - 0.4, -0.6))
    axes.legend(loc="lower right")


def results() -> None:
    """results.json: the clean image, and by how much each filter changes it."""
    rand, answer = means("scores.csv", "adapted_rand_error"), answers()
    clean = ("none", "0", "none")
    values: dict[str, tuple[float | None, str]] = {"clean_adapted_rand_error": (round(rand[clean], 4), "1")}
    values["clean_answer_error"] = (round(answer[clean], 4) if clean in answer else None, "1")
    for key in sorted(rand, key=_order):
        if key != clean:
            name = "_".join(described(key).replace(";", "").replace(",", "").replace(".", "p").split()).lower()
            values[f"rand_change_{name}"] = (round(rand[key] - rand[clean], 4), "1")
    write_study_results(HERE, values, seed=0, data="fib25_train2", rows=len(read_rows(HERE / "scores.csv")))


def report() -> None:
    """Write all of it, and print the tables."""
    figure()
    results()
    sys.stdout.write(f"{table()}\n\n{threshold_table()}\n\n{mitochondria_table()}\n")
