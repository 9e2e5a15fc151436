"""Solves the cells, asks every method for the subsystems behind them, and writes the tables, `results.json` and `figure.png`.

python experiments/causal/run.py      # about half an hour of one core from nothing; rows that are there are kept
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from cells import SUBSYSTEMS
from recovery import (
    SCORES,
    auroc,
    forest_scores,
    noisy,
    plain_scores,
    random_parts,
    ridge_scores,
    visible_scores,
    wrong_parts,
)
from simulations import TEST, VALIDATION, load, simulate
from summary import summarise

from cellml.report.rows import append_row, read_rows

HERE = Path(__file__).parent
CELLS = 80  # rows that the methods see, twice the descriptors
WAY, ATTRIBUTION = "ablation", "grouped"  # the best on the validation seeds
EXPLORED = (60, 100, 200, 300)  # numbers of rows that were looked at on the validation seeds


def compared(number: int) -> dict[str, float]:
    """AUROC of each way of scoring a visible network and of attributing to a plain one, on a validation seed."""
    data = load(HERE / "cells.csv", number)
    z, y = data.z[:CELLS], noisy(data)[:CELLS]
    told = visible_scores(z, {"visible": (SUBSYSTEMS, y)}, number, SCORES)["visible"]
    found = {f"visible_{way}": score for way, score in told.items()}
    found |= {f"plain_{way}": score for way, score in plain_scores(z, y, number).items()}
    return {name: auroc(score, data.active) for name, score in found.items()}


def explored(number: int, count: int) -> dict[str, float]:
    """AUROC of the methods on the first `count` cells of a validation seed."""
    data = load(HERE / "cells.csv", number)
    z, y = data.z[:count], noisy(data)[:count]
    found = {"visible": visible_scores(z, {"visible": (SUBSYSTEMS, y)}, number, (WAY,))["visible"][WAY]}
    found |= {f"plain_{way}": score for way, score in plain_scores(z, y, number).items()}
    found |= {"ridge": ridge_scores(z, y, squares=False), "ridge_squares": ridge_scores(z, y, squares=True)}
    found["forest"] = forest_scores(z, y, number)
    return {name: auroc(score, data.active) for name, score in found.items()}


def measured(number: int, count: int) -> dict[str, float]:
    """AUROC of every method on the first `count` cells of a test seed."""
    data = load(HERE / "cells.csv", number)
    z, y = data.z[:count], noisy(data)[:count]
    shuffled = y[np.random.default_rng([6, number]).permutation(count)]
    cases = {
        "visible": (SUBSYSTEMS, y),
        "random_hierarchy": (random_parts(number), y),
        "wrong_hierarchy": (wrong_parts(number), y),
        "permuted_outputs": (SUBSYSTEMS, shuffled),
    }
    told = visible_scores(z, cases, number, (WAY, "rlipp"))
    found = {name: scores[WAY] for name, scores in told.items()} | {"visible_rlipp": told["visible"]["rlipp"]}
    found["plain_network"] = plain_scores(z, y, number)[ATTRIBUTION]
    found |= {"ridge": ridge_scores(z, y, squares=False), "ridge_squares": ridge_scores(z, y, squares=True)}
    found["forest"] = forest_scores(z, y, number)
    return {name: auroc(score, data.active) for name, score in found.items()}


def fill(path: Path, plan: list[tuple[int, int]], measure: Callable[[int, int], dict[str, float]]) -> None:
    """Add the rows of a table that are missing."""
    done = {(int(row["seed"]), int(row["rows"])) for row in read_rows(path)}
    for seed, count in plan:
        if (seed, count) not in done:
            append_row(path, {"seed": seed, "rows": count, **{name: f"{value:.4f}" for name, value in measure(seed, count).items()}})


def main() -> None:
    """Everything, in order; arguments: `rows` solves nothing, `validation` measures no test seeds."""
    torch.set_num_threads(1)
    if "rows" not in sys.argv[1:]:
        simulate(HERE / "cells.csv")
    if "validation" not in sys.argv[1:]:
        fill(HERE / "rows.csv", [(seed, CELLS) for seed in TEST], measured)
        summarise()
    fill(HERE / "validation.csv", [(seed, CELLS) for seed in VALIDATION], lambda seed, _: compared(seed))
    fill(HERE / "exploration.csv", [(seed, count) for count in EXPLORED for seed in VALIDATION], explored)


if __name__ == "__main__":
    main()
