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


def summarise(folder: Path, table: str = "rows.csv") -> Values:
    """Write results.json and figure.png, and print the numbers. table: rows.csv, or first_try.csv."""
    rows, gradients = read_rows(folder / table), read_rows(folder / "gradients.csv")
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
    write_study_results(
        folder, values, seed=1, rows=table, shapes=len(shapes), seeds=sorted({row["seed"] for row in rows if row["arm"] == "with"})
    )
    figure(arms, shapes, folder / "figure.png")
    for key, (value, unit) in values.items():
        print(f"{key:40} {'–' if value is None else f'{value:.4g}':>10} {unit}")
    return values


def _compared(arms: dict[str, Rows], shapes: list[int]) -> Values:
    """With against without, and with against the network that both began from."""
    values: Values = {f"{arm}_sim_error": (float(np.median(of.errors(TRAINED, shapes))), "1") for arm, of in arms.items()}
    for other, suffix in (("without", ""), ("shipped", "_vs_shipped")):
        of = arms["with"], arms[other]
        for key, names in {"sim": TRAINED, "other": OTHERS, **{name: (name,) for name in TRAINED}}.items():
            values |= _ratio(f"{key}_error_ratio{suffix}", *(arm.errors(names, shapes) for arm in of))
        for name, unit in (("dice", "1"), ("assd", "voxel")):
            values |= _change(f"{name}_change{suffix}", *(arm.column(name, shapes) for arm in of), unit)
        one, two = (arm.errors(TRAINED, shapes) for arm in of)
        values[f"better_share{suffix}"] = (float(np.mean(one < two)), "1")
    return values


def _ratio(key: str, one: Floats, other: Floats) -> Values:
    """The ratio of medians with its interval of 95 %, shapes drawn with replacement, the same ones for both."""
    drawn = _drawn(len(one))
    low, high = np.quantile(np.median(one[drawn], axis=1) / np.median(other[drawn], axis=1), (0.025, 0.975))
    return {key: (float(np.median(one) / np.median(other)), "1"), f"{key}_low": (float(low), "1"), f"{key}_high": (float(high), "1")}


def _change(key: str, one: Floats, other: Floats, unit: str) -> Values:
    """The mean difference with its interval, as `_ratio`."""
    low, high = np.quantile(np.nanmean((one - other)[_drawn(len(one))], axis=1), (0.025, 0.975))
    return {key: (float(np.nanmean(one - other)), unit), f"{key}_low": (float(low), unit), f"{key}_high": (float(high), unit)}


def _drawn(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(count, size=(DRAWS, count))


def figure(arms: dict[str, Rows], shapes: list[int], path: Path) -> None:
    """Errors of each answer by way of training, shape against shape, and Dice."""
    titles = {
        "escape_time": "escape\ntime",
        "neck_conductance": "neck's\nconductance",
        "neck_volume": "neck's\nvolume",
        "spine_volume": "spine's\nvolume",
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
        box.set(title=f"Error of {len(shapes)} held-out spines (boxes: quartiles)", ylabel="|predicted / true − 1| (%)", ylim=(0, 60))
        ticks = [f"{title}\n({'in the loss' if name in TRAINED else 'not in it'})" for name, title in titles.items()]
        box.set_xticks(range(len(titles)), ticks)
        box.legend(loc="upper right", ncols=2)
        one, other = (100 * arms[arm].errors(TRAINED, shapes) for arm in ("without", "with"))
        limits = (0.8 * min(one.min(), other.min()), 1.25 * max(one.max(), other.max()))
        pairs.plot(limits, limits, color=MUTED, lw=0.8)
        pairs.scatter(one, other, s=14, color=ORANGE, edgecolor="black", linewidth=0.4)
        pairs.set(title="Both answers, shape by shape", xlabel="error without (%)", ylabel="error with (%)", xscale="log", yscale="log")
        pairs.set(xlim=limits, ylim=limits)
        for arm in ("shipped", "without", "with"):
            voxels.scatter(arms[arm].column("assd", shapes), arms[arm].column("dice", shapes), s=12, color=ARMS[arm], label=arm, alpha=0.7)
        voxels.set(title="Voxels and surfaces", xlabel="ASSD (voxels of 12 nm)", ylabel="Dice, mean of compartments")
        voxels.legend()
        drawing.savefig(path, dpi=110)
