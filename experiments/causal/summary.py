"""`results.json` and `figure.png` from the rows of the study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from simulations import TEST

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import INK, MUTED
from cellml.report.results import write_study_results
from cellml.report.rows import read_rows

HERE = Path(__file__).parent
Floats = NDArray[np.float64]
CONTROLS = {
    "plain_network": "plain network, integrated gradients",
    "forest": "random forest, permutation",
    "ridge": "ridge, permutation",
    "ridge_squares": "ridge with squares, permutation",
    "wrong_hierarchy": "visible network, wrong hierarchy",
    "random_hierarchy": "visible network, random hierarchy",
    "permuted_outputs": "visible network, permuted outputs",
}
FIRST_ROWS = 80


def table(count: int, seeds: tuple[int, ...] = TEST) -> dict[str, Floats]:
    """AUROC by method, one number for each seed that has been measured with `count` rows."""
    rows = [row for row in read_rows(HERE / "rows.csv") if int(row["rows"]) == count and int(row["seed"]) in seeds]
    return {name: np.array([float(row[name]) for row in rows]) for name in ("visible", "visible_rlipp", *CONTROLS)} if rows else {}


def interval(values: Floats) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean over seeds."""
    drawn = np.random.default_rng(0).choice(values, (10_000, len(values)))
    low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def summarise() -> None:
    """Write both files. Raises ValueError while test seeds are missing."""
    found = table(FIRST_ROWS)
    if not found or len(found["visible"]) < len(TEST):
        raise ValueError(f"{len(found.get('visible', ()))} of {len(TEST)} test seeds are measured; run the study to its end.")
    best = max(CONTROLS, key=lambda name: float(found[name].mean()))
    values: dict[str, tuple[float | None, str]] = {
        "auroc_visible": (float(found["visible"].mean()), "1"),
        "auroc_best_control": (float(found[best].mean()), "1"),
        "lead_over_best_control": (float((found["visible"] - found[best]).mean()), "1"),
    }
    for name, end in zip(("lead_low", "lead_high"), interval(found["visible"] - found[best]), strict=True):
        values[name] = (end, "1")
    for name, scores in found.items():
        low, high = interval(scores)
        values |= {f"auroc_{name}": (float(scores.mean()), "1"), f"{name}_low": (low, "1"), f"{name}_high": (high, "1")}
    write_study_results(HERE, values, seed=0, best_control=best)
    draw(found)
    for name, scores in sorted(found.items(), key=lambda item: -float(item[1].mean())):
        print(f"| {name} | {scores.mean():.3f} | {interval(scores)[0]:.3f} – {interval(scores)[1]:.3f} |")


def draw(found: dict[str, Floats]) -> None:
    """Means with intervals, and the seeds behind them."""
    titles = {"visible": "visible network, ablation", "visible_rlipp": "visible network, RLIPP", **CONTROLS}
    order = sorted(found, key=lambda name: float(found[name].mean()))
    with figure_style():
        figure = new_figure(6.4, 3.4)
        axes = figure.subplots()
        random = np.random.default_rng(0)
        for height, name in enumerate(order):
            low, high = interval(found[name])
            axes.plot(found[name], height + random.uniform(-0.22, 0.22, len(found[name])), ".", color=MUTED, markersize=3)
            axes.plot([low, high], [height, height], color=INK, linewidth=2.5)
            axes.plot(found[name].mean(), height, "o", color=INK, markersize=6 if name == "visible" else 4)
        axes.axvline(0.9, color=MUTED, linewidth=0.8, linestyle="--")
        axes.axvline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(order)), [titles[name] for name in order])
        axes.set_xlabel("AUROC (mean over 20 seeds, 95 % interval; points: seeds)")
        axes.set_title("Which subsystems made the outputs?")
        figure.savefig(HERE / "figure.png", dpi=160)


if __name__ == "__main__":
    summarise()
