"""The study's figure, its table, and results.json, from rows.csv: `python experiments/label_efficiency/figure.py`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from labelled import LEVELS
from rungs import RUNGS

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import BLUE, GREEN, MUTED, PURPLE, SKY, VERMILLION
from cellml.report.results import write_study_results

TEN, ALL = LEVELS[3], LEVELS[-1]
NETWORKS = ("unet", "unet_pretrained", "unet_pseudo")
STYLES = ((MUTED, ":", "s"), (BLUE, "-", "o"), (VERMILLION, "--", "^"), (GREEN, "-.", "D"), (PURPLE, "-", "v"), (SKY, "-", "P"))
LOOKS = dict(zip(RUNGS, STYLES, strict=False))


def dices(rows: Sequence[dict[str, str]], rung: str, level: str) -> np.ndarray:
    """Test Dice of the draws of one rung at one share of labels."""
    return np.array([float(row["dice"]) for row in rows if row["rung"] == rung and row["level"] == level])


def report(folder: Path) -> None:
    """Draw the curves, print the table, and write the numbers."""
    with (folder / "rows.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    draw(rows, folder / "figure.png")
    table(rows, folder / "table.md")
    values: dict[str, tuple[float | None, str]] = {}
    full = max(dices(rows, name, ALL.name).mean() for name in NETWORKS if len(dices(rows, name, ALL.name)))
    for name in NETWORKS:
        if len(found := dices(rows, name, TEN.name)):
            values[f"{name}_dice_at_10_percent"] = (round(float(found.mean()), 4), "1")
    values["dice_share_at_10_percent"] = (round(max(v for v, _ in values.values() if v is not None) / full, 4), "1")
    values["full_label_dice"] = (round(float(full), 4), "1")
    common = [level.name for level in LEVELS if len(dices(rows, "unet_pretrained", level.name)) and len(dices(rows, "unet", level.name))]
    for name in common:
        gain = dices(rows, "unet_pretrained", name).mean() - dices(rows, "unet", name).mean()
        values[f"pretraining_gain, {name}"] = (round(float(gain), 4), "1")
    write_study_results(folder, values, seed=0, draws=max((int(r["draw"]) for r in rows), default=-1) + 1, rows=len(rows))
    for key, (value, unit) in values.items():
        print(f"{key:44} {value} {unit}")


def draw(rows: Sequence[dict[str, str]], path: Path) -> None:
    """Dice against the share of labels, a line for each rung through the means, a mark for every draw."""
    with figure_style():
        figure = new_figure(7.2, 4.6)
        axis = figure.subplots()
        for name, rung in RUNGS.items():
            colour, line, mark = LOOKS[name]
            levels = [level for level in LEVELS if len(dices(rows, name, level.name))]
            if not levels:
                continue
            shares = [100 * level.share for level in levels]
            axis.plot(shares, [dices(rows, name, level.name).mean() for level in levels], line, color=colour, label=rung.label)
            for share, level in zip(shares, levels, strict=True):
                found = dices(rows, name, level.name)
                axis.plot([share] * len(found), found, mark, color=colour, markersize=4, alpha=0.7)
        axis.set_xscale("log")
        axis.set_xticks([100 * level.share for level in LEVELS], [f"{100 * level.share:g}" for level in LEVELS])
        axis.minorticks_off()
        axis.set(
            title="What labelling is worth", xlabel="labelled share of the training voxels (%)", ylabel="Dice of mitochondria, test rows"
        )
        axis.set_ylim(0, 1)
        figure.legend(loc="outside lower center", ncols=3)
        figure.savefig(path, dpi=140)


def table(rows: Sequence[dict[str, str]], path: Path) -> None:
    """Mean and range over the draws, as Markdown."""
    lines = ["| labels | " + " | ".join(rung.label for rung in RUNGS.values()) + " |", "|---" * (len(RUNGS) + 1) + "|"]
    for level in LEVELS:
        cells = []
        for name in RUNGS:
            found = dices(rows, name, level.name)
            cells.append(f"{found.mean():.3f} ({found.min():.3f}–{found.max():.3f})" if len(found) else "–")
        lines.append(f"| {level.name} | " + " | ".join(cells) + " |")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    report(Path(__file__).parent)
