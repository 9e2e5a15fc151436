"""The rows as a picture: `python experiments/meshing/figure.py` writes distributions.png beside the tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from summary import Rows, read, succeeded

from cellml.report.figure_style import figure_style, new_figure

SETS = {
    "spines": "spines",
    "urocell": "UroCell mitochondria, vesicles",
    "fib25": "FIB-25 neurites",
    "neurite_mito": "neurite + mitochondrion",
    "vnc": "VNC mitochondria, 10:1",
    "analytic": "analytic shapes",
    "hostile": "hostile volumes",
}
Value = Callable[[dict[str, str]], float | None]


def _number(*columns: str) -> Value:
    """The largest of some columns of a row, None where all are empty."""

    def value(row: dict[str, str]) -> float | None:
        found = [float(row[column]) for column in columns if row[column] != ""]
        return max(found) if found else None

    return value


def _percent(row: dict[str, str]) -> float | None:
    found = _number("volume_error_max", "thin_volume_error_max")(row)
    return None if found is None else max(100 * found, 1e-4)


# Title, axis, value, limits of the gate (of volumes: in general, and for thin regions), whether the axis is logarithmic.
PANELS: tuple[tuple[str, str, Value, tuple[float, ...], bool], ...] = (
    ("Smallest dihedral angle", "degrees", _number("dihedral_min"), (10.0,), False),
    ("Largest volume error of a region", "% of its voxels", _percent, (2.0, 5.0), True),
    ("99 % of it lies nearer than", "voxels (longest edge) from the labels", _number("distance_p99"), (1.0,), False),
    ("Time", "CPU seconds", _number("cpu_s"), (), True),
)


def draw(rows: Rows, path: Path) -> None:
    """A column of points a set, its median as a bar, for each of `PANELS`; certified meshes only, except for the time."""
    present = [set for set in SETS if any(row["set"] == set for row in rows)]
    rng = np.random.default_rng(0)
    with figure_style():
        figure = new_figure(13, 0.55 * len(present) + 1.6)
        axes = figure.subplots(1, len(PANELS), sharey=True)
        for axis, (title, unit, value, limits, logarithmic) in zip(axes, PANELS, strict=True):
            for place, set in enumerate(present):
                chosen = [row for row in rows if row["set"] == set and (row["outcome"] == "certified" or value is PANELS[-1][2])]
                found = [v for v in map(value, chosen) if v is not None and v > 0]
                axis.scatter(found, place + rng.uniform(-0.3, 0.3, len(found)), s=5, alpha=0.4, linewidths=0, color="C0")
                if found:
                    axis.plot([np.median(found)] * 2, [place - 0.38, place + 0.38], color="black")
            for limit in limits:
                axis.axvline(limit, color="C3", linestyle="--", linewidth=1)
            axis.set(title=title, xlabel=unit, xscale="log" if logarithmic else "linear")
        axes[0].set_yticks(range(len(present)), [_caption(set, rows) for set in present])
        axes[0].invert_yaxis()
        figure.savefig(path, dpi=110)


def _caption(set: str, rows: Rows) -> str:
    of = [row for row in rows if row["set"] == set]
    return f"{SETS[set]}\n{sum(map(succeeded, of))} of {len(of)} certified"


if __name__ == "__main__":
    draw(read(Path(__file__).parent), Path(__file__).parent / "distributions.png")
