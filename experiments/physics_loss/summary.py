"""The rows of the study to its numbers, and a figure of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import BLUE, GREEN, MUTED, ORANGE
from cellml.report.results import write_study_results
from cellml.report.rows import read_rows

Floats = NDArray[np.float64]
Values = dict[str, tuple[float | None, str]]
TRAINED, OTHERS = ("escape_time", "neck_conductance"), ("neck_volume", "spine_volume")
ARMS = {"oracle": GREEN, "shipped": MUTED, "without": BLUE, "with": ORANGE}
FAILED = 1.0  # the error of an answer that could not be had, as in `cellml.evaluation`
DRAWS = 4000


class Rows:
    """The rows of one way of training, seeds averaged shape by shape. names: of its shapes, in order."""

    def __init__(self, rows: list[dict[str, str]], arm: str) -> None:
        self.by_shape: dict[int, list[dict[str, str]]] = {}
        for row in rows:
            if row["arm"] == arm:
                self.by_shape.setdefault(int(row["shape"]), []).append(row)

    def column(self, name: str, shapes: list[int]) -> Floats:
        """A column, (N,): its mean over seeds."""
        return np.array([np.mean([_number(row[name]) for row in self.by_shape[shape]]) for shape in shapes])

    def errors(self, names: tuple[str, ...], shapes: list[int]) -> Floats:
        """|predicted / true − 1|, (N,): the mean over some answers and over seeds; FAILED where an answer could not be had."""
        found = [[[abs(_number(row[n])) for n in names] for row in self.by_shape[shape]] for shape in shapes]
        return np.array([np.nan_to_num(np.array(f), nan=FAILED).mean() for f in found])


def _number(text: str) -> float:
    return float({"True": "1", "False": "0"}.get(text, text or "nan"))


def summarise(folder: Path) -> Values:
    """Write results.json and figure.png, and print the numbers."""
    rows, gradients = read_rows(folder / "rows.csv"), read_rows(folder / "gradients.csv")
    arms = {arm: Rows(rows, arm) for arm in ARMS}
    shapes = sorted(set.intersection(*(set(arm.by_shape) for arm in arms.values())))
    values = _compared(arms, shapes)
    for arm, of in arms.items():
        for name in (*TRAINED, *OTHERS):
            values[f"{arm}_{name}_error"] = (float(np.median(of.errors((name,), shapes))), "1")
            values[f"{arm}_{name}_bias"] = (float(np.nanmedian(of.column(name, shapes))), "1")
        for name, unit in (("dice", "1"), ("assd", "voxel"), ("genus_correct", "1"), ("sound", "1")):
            values[f"{arm}_{name}"] = (float(np.nanmean(of.column(name, shapes))), unit)
    for head, key in {"inference": "gradient_error", "nothing drawn back": "gradient_error_undrawn"}.items():
        for length in ("1e-06", "0.0001"):
            found = [float(r["error"]) for r in gradients if (r["head"], r["length"], r["signs_kept"]) == (head, length, "True")]
            if found:
                values[f"{key}_{'' if length == '1e-06' else 'long_'}worst"] = (max(found), "1")
                values[f"{key}_{'' if length == '1e-06' else 'long_'}median"] = (float(np.median(found)), "1")
    write_study_results(folder, values, seed=1, shapes=len(shapes), seeds=sorted({row["seed"] for row in rows if row["arm"] == "with"}))
    figure(arms, shapes, folder / "figure.png")
    for key, (value, unit) in values.items():
        print(f"{key:40} {'–' if value is None else f'{value:.4g}':>10} {unit}")
    return values


def _compared(arms: dict[str, Rows], shapes: list[int]) -> Values:
    """With against without, and intervals of 95 % over shapes drawn with replacement, the same ones for both."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(shapes), size=(DRAWS, len(shapes)))
    values: Values = {}
    for key, names in {"sim_error_ratio": TRAINED, "other_error_ratio": OTHERS, **{f"{n}_error_ratio": (n,) for n in TRAINED}}.items():
        one, other = (arms[arm].errors(names, shapes) for arm in ("with", "without"))
        ratios = np.median(one[drawn], axis=1) / np.median(other[drawn], axis=1)
        low, high = np.quantile(ratios, (0.025, 0.975))
        values |= {key: (float(np.median(one) / np.median(other)), "1"), f"{key}_low": (float(low), "1"), f"{key}_high": (float(high), "1")}
        if key == "sim_error_ratio":
            values["better_share"] = (float(np.mean(one < other)), "1")
            values |= {f"{arm}_sim_error": (float(np.median(arms[arm].errors(names, shapes))), "1") for arm in ARMS}
    for name, unit in (("dice", "1"), ("assd", "voxel")):
        change = arms["with"].column(name, shapes) - arms["without"].column(name, shapes)
        low, high = np.quantile(np.nanmean(change[drawn], axis=1), (0.025, 0.975))
        values |= {f"{name}_change": (float(np.nanmean(change)), unit), f"{name}_change_low": (float(low), unit)}
        values[f"{name}_change_high"] = (float(high), unit)
    return values


def figure(arms: dict[str, Rows], shapes: list[int], path: Path) -> None:
    """Errors of each answer by way of training, shape against shape, and Dice."""
    titles = {
        "escape_time": "Escape time",
        "neck_conductance": "Neck's conductance",
        "neck_volume": "Neck's volume",
        "spine_volume": "Volume",
    }
    with figure_style():
        drawing = new_figure(11, 3.8)
        box, pairs, voxels = drawing.subplots(1, 3, width_ratios=(1.7, 1.0, 0.9))
        for place, (arm, colour) in enumerate(ARMS.items()):
            data = [100 * arms[arm].errors((name,), shapes) for name in titles]
            at = np.arange(len(titles)) + 0.2 * (place - 1.5)
            drawn = box.boxplot(data, positions=at, widths=0.16, whis=(5, 95), showfliers=False, patch_artist=True)
            for patch in drawn["boxes"]:
                patch.set(facecolor=colour, alpha=0.8)
            for line in drawn["medians"]:
                line.set(color="black")
            box.plot([], [], color=colour, lw=6, label={"oracle": "true distances"}.get(arm, arm))
        box.set(title=f"Error of {len(shapes)} held-out spines", ylabel="|predicted / true − 1| (%)", ylim=(0, None))
        box.set_xticks(
            range(len(titles)), [f"{title}\n({'in the loss' if name in TRAINED else 'not in it'})" for name, title in titles.items()]
        )
        box.legend(loc="upper left", ncols=2)
        one, other = (100 * arms[arm].errors(TRAINED, shapes) for arm in ("without", "with"))
        most = 1.1 * max(one.max(), other.max())
        pairs.plot([0.5, most], [0.5, most], color=MUTED, lw=0.8)
        pairs.scatter(one, other, s=14, color=ORANGE, edgecolor="black", linewidth=0.4)
        pairs.set(title="Both answers, shape by shape", xlabel="error without (%)", ylabel="error with (%)", xscale="log", yscale="log")
        for arm in ("shipped", "without", "with"):
            voxels.scatter(arms[arm].column("assd", shapes), arms[arm].column("dice", shapes), s=12, color=ARMS[arm], label=arm, alpha=0.7)
        voxels.set(title="Voxels and surfaces", xlabel="ASSD (voxels of 12 nm)", ylabel="Dice, mean of compartments")
        voxels.legend()
        drawing.savefig(path, dpi=110)
