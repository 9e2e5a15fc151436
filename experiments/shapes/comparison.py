"""Generated spines against held-out real ones, beside a memoriser and one shape over and over: rows of comparison.csv and times.csv."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from generated import TABLE, certified_surfaces
from models import FOLDS, stacks_of
from numpy.typing import NDArray

from cellml.report.rows import append_row, read_rows
from cellml.shapes.descriptors import descriptor_table
from cellml.shapes.evaluation.controls import copied_share, memorised
from cellml.shapes.evaluation.intervals import against_splits, median_ratio_interval, wasserstein_interval
from cellml.shapes.evaluation.shells import shell_radii, shell_table
from cellml.shapes.evaluation.two_sample import (
    coverage,
    euclidean_distances,
    kernel_discrepancy,
    minimum_matching_distance,
    one_nearest_test,
    standardised,
)
from cellml.shapes.population import Population
from cellml.shapes.reading import read_population
from cellml.types import Surface

HERE = Path(__file__).parent
MEMORISER, ONE = "memoriser", "one shape"
DESCRIBED = ("volume_nm3", "area_nm2", "sphericity", "solidity", "elongation", "neck")
FEWEST = 10  # generated spines with a time, below which their times are not compared

Index = NDArray[np.int64]


@cache
def spines() -> Population:
    """All spines that are closed shapes, in the frame of their base."""
    return read_population("spines:base")


@cache
def split(fold: int) -> tuple[Index, Index]:
    """Numbers of the training and the held-out spines of a fold; copies of a spine are not held out twice."""
    held = np.isin(spines().groups, stacks_of(fold))
    seen: set[bytes] = set()
    fresh = [s.vertices.tobytes() not in seen and not seen.add(s.vertices.tobytes()) for s in spines().surfaces]
    return np.flatnonzero(~held), np.flatnonzero(held & np.array(fresh))


def generators(count: int) -> Iterator[tuple[str, int, list[Surface]]]:
    """Name, fold and surfaces of each trained model, those that have a certified mesh, and of the two controls on every fold."""
    for model, fold in dict.fromkeys((row["model"], int(row["fold"])) for row in read_rows(TABLE)):
        yield model, fold, certified_surfaces(model, fold)
    for fold in range(FOLDS):
        learned = spines().select(split(fold)[0])
        yield MEMORISER, fold, [learned.surfaces[i] for i in memorised(learned, count)]
        average = np.median([s.volume() for s in learned.surfaces])
        yield ONE, fold, [min(learned.surfaces, key=lambda s: abs(s.volume() - average))] * count


def compare(count: int = 60) -> None:
    """One row a model and fold, then the times of each model over its folds; the protocol is in README.md."""
    done = {(row["model"], row["fold"]) for row in read_rows(HERE / "comparison.csv")}
    for model, fold, surfaces in generators(count):
        if (model, str(fold)) not in done:
            scores = shape_scores(surfaces, *split(fold))
            row = {"model": model, "fold": fold, "real": len(split(fold)[1]), "generated": len(surfaces)}
            append_row(HERE / "comparison.csv", row | scores)
    (HERE / "times.csv").unlink(missing_ok=True)
    for row in times():
        append_row(HERE / "times.csv", row)


def shape_scores(surfaces: Sequence[Surface], train: Index, held: Index) -> dict[str, Any]:
    """Two-sample scores on shells (unscaled) and on descriptors (standardised by the training shapes)."""
    real, names = spines().surfaces, descriptor_table(spines().surfaces[:1])[0]
    radii = shell_radii([real[i] for i in train])
    learned, unknown, made = (shell_table(group, radii) for group in ([real[i] for i in train], [real[i] for i in held], surfaces))
    described = [descriptor_table(group)[1] for group in ([real[i] for i in train], [real[i] for i in held], surfaces)]
    shells = euclidean_distances(unknown, made)
    test = one_nearest_test(shells)
    other = one_nearest_test(euclidean_distances(*standardised(described[0], *described[1:])))
    copies = euclidean_distances(made, learned)
    row = {
        "one_nn": test.accuracy,
        "one_nn_low": test.low,
        "one_nn_high": test.high,
        "one_nn_p": test.p_value,
        "one_nn_descriptors": other.accuracy,
        "one_nn_descriptors_p": other.p_value,
        "coverage": coverage(shells),
        "matching_distance": minimum_matching_distance(shells),
        "kernel_mmd2": kernel_discrepancy(shells),
        "copied_share": copied_share(copies.between, copies.generated),
    }
    for name in DESCRIBED:
        column = names.index(name)
        spread = described[0][:, column].std()
        found = wasserstein_interval(described[1][:, column] / spread, described[2][:, column] / spread, draws=300)
        row |= {f"w_{name}": found.value, f"w_{name}_low": found.low, f"w_{name}_high": found.high}
    return {key: round(float(value), 5) for key, value in row.items()}


def times() -> Iterator[dict[str, Any]]:
    """Times of molecules in generated spines against held-out real ones of the same folds, and against splits by stack of equal size."""
    real = {row["spine"]: (float(row["time_s"]), row["stack"]) for row in read_rows(HERE / "real.csv") if row["time_s"]}
    stacks = [stack for _, stack in real.values()]
    known = np.array([time for time, _ in real.values()])
    rows = read_rows(TABLE)
    for model in dict.fromkeys([*(row["model"] for row in rows), MEMORISER]):
        mine = [row for row in rows if row["model"] == model]
        folds = sorted({int(row["fold"]) for row in mine}) or list(range(FOLDS))
        held = np.isin(stacks, [stack for fold in folds for stack in stacks_of(fold)])
        made = (
            memorised_times(known, np.array(stacks)) if model == MEMORISER else np.array([float(r["time_s"]) for r in mine if r["time_s"]])
        )
        row: dict[str, Any] = {"model": model, "folds": len(folds), **certified_shares(mine)}
        yield row | time_scores(known, stacks, held, made)


def certified_shares(rows: Sequence[dict[str, str]]) -> dict[str, float | str]:
    """Shares of the shapes asked for that have a certified mesh: of the first draws, and with refused ones drawn again."""
    asked = {(row["fold"], row["number"]) for row in rows}
    if not asked:  # a control, whose shapes are real ones
        return {"asked": "", "certified_share": "", "certified_at_once": ""}
    good = [row for row in rows if row["certified"] == "True"]
    at_once = sum(row["draw"] == "0" for row in good) / len(asked)
    return {"asked": len(asked), "certified_share": round(len(good) / len(asked), 5), "certified_at_once": round(at_once, 5)}


def memorised_times(known: NDArray[np.float64], stacks: NDArray[np.str_]) -> NDArray[np.float64]:
    """Times of sixty training spines of each fold."""
    random = np.random.default_rng(0)
    return np.concatenate([random.permutation(known[~np.isin(stacks, stacks_of(fold))])[:60] for fold in range(FOLDS)])


def time_scores(
    known: NDArray[np.float64], stacks: Sequence[str], held: NDArray[np.bool_], made: NDArray[np.float64]
) -> dict[str, float | str]:
    """Wasserstein distance and ratio of medians with 90 % intervals over stacks; splits: 95th percentile of real from real."""
    keys = (
        "time_w",
        "time_w_low",
        "time_w_high",
        "time_w_same_size",
        "time_w_splits",
        "time_ratio",
        "time_ratio_low",
        "time_ratio_high",
    )
    if len(made) < FEWEST:
        return {"times": len(made), **dict.fromkeys(keys, "")}
    groups = [stack for stack, mine in zip(stacks, held, strict=True) if mine]
    size = min(int(held.sum()), len(made), len(known) // 3)
    apart = against_splits(known, made, stacks, size=size)
    distance, ratio = wasserstein_interval(known[held], made, groups), median_ratio_interval(known[held], made, groups)
    found = (distance.value, distance.low, distance.high, apart.distance, apart.splits, ratio.value, ratio.low, ratio.high)
    return {"times": len(made), **{key: round(float(value), 5) for key, value in zip(keys, found, strict=True)}}
