"""The rows of all stages to results.json and figure.png."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from cellml.report.results import write_study_results
from cellml.report.rows import read_rows

Rows = list[dict[str, str]]
Value = tuple[float | None, str]
FOLDED = "pca"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito


def number(row: Mapping[str, str], key: str) -> float | None:
    """A cell as a number; None where it is empty or missing."""
    return float(row[key]) if row.get(key) else None


def of_generators(rows: Rows, times: Rows) -> dict[str, Value]:
    """Keys of each generator, and those of principal components once more without a name: they are judged on all five folds."""
    values: dict[str, Value] = {}
    for model in dict.fromkeys(row["model"] for row in rows):
        mine = [row for row in rows if row["model"] == model]
        clock = next((row for row in times if row["model"] == model), {})
        found = of_generator(mine, clock)
        values |= {f"{model.replace(' ', '_').replace('-', '_')}_{key}": value for key, value in found.items()}
        values |= found if model == FOLDED else {}
    return values


def of_generator(rows: Rows, times: Mapping[str, str]) -> dict[str, Value]:
    """The numbers with targets of one generator, means over its folds, and what they rest on."""

    def mean(key: str) -> Value:
        found = [value for row in rows if (value := number(row, key)) is not None]
        return (float(np.mean(found)) if found else None, "1")

    accuracy = mean("one_nn")[0]
    return {
        "folds": (float(len(rows)), "count"),
        "one_nn_accuracy": (accuracy, "1"),
        "one_nn_accuracy_distance_from_half": (None if accuracy is None else abs(accuracy - 0.5), "1"),
        "one_nn_accuracy_least": (min(float(row["one_nn"]) for row in rows), "1"),
        "one_nn_accuracy_most": (max(float(row["one_nn"]) for row in rows), "1"),
        "one_nn_descriptors": mean("one_nn_descriptors"),
        "coverage": mean("coverage"),
        "copied_share": mean("copied_share"),
        "certified_share": (number(times, "certified_share"), "1"),
        "certified_at_once": (number(times, "certified_at_once"), "1"),
        "diffusion_time_ratio": (number(times, "time_ratio"), "1"),
        "diffusion_time_ratio_low": (number(times, "time_ratio_low"), "1"),
        "diffusion_time_ratio_high": (number(times, "time_ratio_high"), "1"),
        "diffusion_time_wasserstein": (number(times, "time_w_same_size"), "s"),
        "diffusion_time_wasserstein_of_splits": (number(times, "time_w_splits"), "s"),
    }


def of_real(rows: Rows) -> dict[str, Value]:
    """What the real spines took: how many have a time, how it lies beside that through their own cut, and processor seconds."""
    if not rows:
        return {}
    good = [row for row in rows if row["time_s"]]
    rule, cut = (np.array([float(row[key]) for row in good]) for key in ("time_s", "cut_time_s"))
    return {
        "real_spines": (float(len(rows)), "count"),
        "real_excluded": (float(len(rows) - len(good)), "count"),
        "real_time_median": (float(np.median(rule)), "s"),
        "real_cut_time_median": (float(np.median(cut)), "s"),
        "rule_over_cut_median": (float(np.median(rule / cut)), "1"),
        "rule_cut_correlation": (float(np.corrcoef(np.log(rule), np.log(cut))[0, 1]), "1"),
        "real_cpu_median": (float(np.median([float(row["cpu_s"]) for row in good])), "s"),
        "mesh_error_median": (float(np.median([float(row["error_s"]) / float(row["time_s"]) for row in good])), "1"),
    }


def of_others(folder: Path) -> dict[str, Value]:
    """What the other stages have measured: by the function `results` of their module, or rows (key, value, unit) of their tables."""
    values: dict[str, Value] = {}
    for name in ("harmonics", "vae", "generators", "organelles", "synthetic", "classes"):
        rows = read_rows(folder / f"{name}.csv")
        found = getattr(import_module(name), "results", None) if rows and (folder / f"{name}.py").is_file() else None
        if found is not None:
            values |= found(folder / f"{name}.csv")
        values |= {row["key"]: (float(row["value"]), row.get("unit") or "1") for row in rows if row.get("key") and row.get("value")}
    return values


def summarise(folder: Path) -> dict[str, Value]:
    """Write results.json and figure.png, and print the numbers."""
    real, compared = read_rows(folder / "real.csv"), read_rows(folder / "comparison.csv")
    values = {**of_generators(compared, read_rows(folder / "times.csv")), **of_real(real), **of_others(folder)}
    write_study_results(folder, values, seed=0, spines=len(real), generators=len(compared))
    for key, (value, unit) in values.items():
        print(f"{key:60} {'–' if value is None else f'{value:.4g}':>10} {unit}")
    if real:
        figure(real, read_rows(folder / "generated.csv"), compared, folder / "figure.png")
    return values


def figure(real: Rows, generated: Rows, compared: Rows, path: Path) -> None:
    """Distributions of times, and how well each generator can be told from real spines, fold by fold."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    axes: Any
    drawing, axes = plt.subplots(1, 2, figsize=(11, 4), constrained_layout=True)
    times = {"real": [float(row["time_s"]) for row in real if row["time_s"]]}
    for row in generated:
        if row["time_s"]:
            times.setdefault(row["model"], []).append(float(row["time_s"]))
    for (name, values), colour in zip(times.items(), ("#000000", *COLOURS), strict=False):
        ordered = np.sort(values)
        axes[0].step(ordered, (np.arange(len(ordered)) + 1) / len(ordered), color=colour, label=f"{name} ({len(values)})", where="post")
    axes[0].set(xscale="log", xlabel="mean time to the base (s, D = 1 µm²/s)", ylabel="share of spines", title="Escape through the base")
    axes[0].legend(frameon=False, fontsize=8)
    models = list(dict.fromkeys(row["model"] for row in compared))
    for row in compared:
        accuracy, low, high = (float(row[key]) for key in ("one_nn", "one_nn_low", "one_nn_high"))
        place = models.index(row["model"]) + 0.12 * (int(row["fold"]) - 2)
        axes[1].plot([low, high], [place, place], color="#0072B2", linewidth=1)
        axes[1].plot(accuracy, place, "o", color="#0072B2", markersize=4)
    axes[1].axvspan(0.4, 0.6, color="0.9", zorder=0)
    axes[1].set_yticks(range(len(models)), models)
    axes[1].set(xlim=(0, 1), xlabel="1-NN accuracy (0.5: cannot be told apart)", title="Generated against held-out spines")
    drawing.savefig(path, dpi=110)
