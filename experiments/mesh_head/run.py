"""The mesh heads against the truth and against the two-step way: `python experiments/mesh_head/run.py`. See README.md.

Stages: procedural (cells made by formulas), real (mitochondria, beside segmentation and `cellml mesh`), bad_input, spines
(expert classes and parts), summary; all of them
where none is named: `run.py stage=procedural,summary`. cells=5 judges so many cells of each kind, objects=4 solves so many of the
mitochondria. Each row is written when it is finished, and what has a row is not computed again.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from cellml.report.rows import read_rows

HERE = Path(__file__).parent


class Table:
    """A CSV file that rows are added to as they come, and that knows which ones it has. keys: the columns that tell rows apart."""

    def __init__(self, path: Path, keys: tuple[str, ...]) -> None:
        self.path, self.keys = path, keys
        self.rows = read_rows(path)

    def __contains__(self, key: tuple[str, ...]) -> bool:
        return any(tuple(row[name] for name in self.keys) == key for row in self.rows)

    def add(self, row: dict[str, Any]) -> None:
        """Append one row, and print it."""
        with self.path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if not self.rows:
                writer.writeheader()
            writer.writerow(row)
        self.rows.append({name: str(value) for name, value in row.items()})
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)


def main(words: list[str]) -> None:
    import bad_input
    import procedural
    import real
    import spine_classes
    import summary

    options = {
        "stage": "procedural,real,bad_input,spines,summary",
        "cells": "20",
        "objects": "12",
        **dict(word.split("=", 1) for word in words),
    }
    torch.set_num_threads(1)
    cells = Table(HERE / "procedural.csv", ("head", "kind", "cell"))
    objects, times = Table(HERE / "real.csv", ("way", "object")), Table(HERE / "times.csv", ("way",))
    stages: dict[str, Callable[[], Any]] = {
        "procedural": lambda: procedural.judge_cells(cells, int(options["cells"])),
        "real": lambda: real.judge_objects(objects, times, int(options["objects"])),
        "bad_input": lambda: bad_input.judge_cases(Table(HERE / "bad_input.csv", ("case",))),
        "spines": spine_classes.judge_spines,
        "summary": lambda: summary.summarise(HERE),
    }
    for name in options["stage"].split(","):
        stages[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
