"""Writes `example.csv` and `hierarchy.yaml` for the commands in README.md: one seed's cells in units, with noise, and the hierarchy."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from cells import DESCRIPTORS, OUTPUTS, SUBSYSTEMS
from recovery import GROUPS, noisy
from simulations import load

HERE = Path(__file__).parent
# Medians in nm; all other descriptors are relative to the usual value.
MEDIANS = {
    "neck_length": 450.0,
    "neck_radius": 80.0,
    "head_length": 450.0,
    "head_radius": 220.0,
    "base_length": 250.0,
    "base_radius": 180.0,
}


def write_example(seed: int = 0) -> None:
    """The cells of a seed: descriptors (nm, or relative to the usual value) and noisy logarithms of the outputs."""
    data = load(HERE / "cells.csv", seed)
    values = np.exp(0.25 * data.z) * [MEDIANS.get(name, 1.0) for name in DESCRIPTORS]
    with (HERE / "example.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*DESCRIPTORS, *OUTPUTS])
        writer.writerows([f"{x:.5g}" for x in row] for row in np.concatenate([values, noisy(data)], axis=1))
    subsystems = {"spine": list(GROUPS), **GROUPS, **{name: list(parts) for name, parts in SUBSYSTEMS.items()}}
    lines = [f"  {name}: [{', '.join(parts)}]" for name, parts in subsystems.items()]
    text = "\n".join(["# Descriptors, physical subsystems and the signal of a spine.", "subsystems:", *lines, ""])
    (HERE / "hierarchy.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_example()
