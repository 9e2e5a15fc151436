"""The simulated cells of every seed, written seed by seed: an interrupted run goes on where it stopped."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cells import OUTPUTS, SUBSYSTEMS, draw_descriptors, solve
from numpy.typing import NDArray

from cellml.report.rows import read_rows

TEST = tuple(range(20))
VALIDATION = tuple(range(100, 106))  # scores and settings were chosen on these
CELLS, FEW, TRUE = 300, 80, 4  # FEW cells are what the tables of test seeds take; validation seeds and most test seeds have CELLS
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Seed:
    """Data of one seed. z: (N, 40) descriptors; outputs: (N, 6) without noise; active: the four subsystems that made them."""

    number: int
    z: Floats
    outputs: Floats
    active: tuple[str, ...]


def planned(number: int) -> tuple[Floats, tuple[str, ...]]:
    """Descriptors (N, 40) and the true subsystems of a seed."""
    rng = np.random.default_rng([9, number])
    chosen = rng.choice(list(SUBSYSTEMS), TRUE, replace=False)
    return draw_descriptors(CELLS, rng), tuple(str(name) for name in chosen)


def simulate(path: Path) -> None:
    """Solve what the table lacks, about twenty seconds of one core a seed."""
    done = {int(row["seed"]) for row in read_rows(path)}
    for number in (*VALIDATION, *TEST):
        if number in done:
            continue
        z, active = planned(number)
        rows = [
            [number, cell, *(f"{value:.6f}" for value in solve(z[cell], active))] for cell in range(FEW if number in TEST[17:] else CELLS)
        ]
        new = not path.is_file()
        with path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerows([["seed", "cell", *OUTPUTS], *rows] if new else rows)
        print(number, *active, flush=True)


def load(path: Path, number: int) -> Seed:
    """The cells of a seed."""
    z, active = planned(number)
    rows = [row for row in read_rows(path) if int(row["seed"]) == number]
    z = z[: len(rows)]
    return Seed(number, z, np.array([[float(row[name]) for name in OUTPUTS] for row in rows]), active)


if __name__ == "__main__":
    simulate(Path(__file__).with_name("cells.csv"))
