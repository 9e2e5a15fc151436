"""The speed table as a picture."""

from __future__ import annotations

import csv
from pathlib import Path

HERE = Path(__file__).parent
# Okabe and Ito's colours, told apart by marker too.
STYLES = {"cellml": ("#0072B2", "o"), "trimesh": ("#E69F00", "s"), "point-cloud-utils": ("#009E73", "^"), "pytorch3d": ("#CC79A7", "D")}


def draw() -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with (HERE / "speed.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    operations = list(dict.fromkeys(row["operation"] for row in rows))[::-1]
    figure, axes = pyplot.subplots(figsize=(7.5, 3.8), layout="constrained")
    for who, (colour, marker) in STYLES.items():
        own = [row for row in rows if row["program"] == who]
        if own:
            places = [operations.index(row["operation"]) for row in own]
            axes.scatter([1e3 * float(row["seconds"]) for row in own], places, color=colour, marker=marker, s=45, label=who, zorder=3)
    axes.set(xscale="log", yticks=range(len(operations)), yticklabels=operations, xlabel="time of one core (ms)")
    axes.set_title("Mesh operations on one core", loc="left")
    axes.grid(axis="x", color="0.9")
    axes.legend(frameon=False, fontsize=8, loc="best")
    figure.savefig(HERE / "figure.png", dpi=150)


if __name__ == "__main__":
    draw()
