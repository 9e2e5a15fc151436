"""Generated spines against held-out real ones, beside a memoriser and the mean shape: rows of comparison.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
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
FOLDS, FOLD = 5, 0  # the held-out stacks of the data module's first fold
X_AXIS = (1.0, 0.0, 0.0)
TIME = "time_s"
DESCRIBED = ("volume_nm3", "area_nm2", "sphericity", "solidity", "elongation", "neck")


def split(population: Population) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the training and the held-out shapes, as `ShapeDataModule` splits them; copies of a shape are no held-out ones."""
    from cellml.data.labelled_mesh import folds_by_group

    held = folds_by_group(list(population.groups), FOLDS) == FOLD
    seen: set[bytes] = set()
    fresh = [s.vertices.tobytes() not in seen and not seen.add(s.vertices.tobytes()) for s in population.surfaces]
    return np.flatnonzero(~held), np.flatnonzero(held & np.array(fresh))


def generators(population: Population, train: NDArray[np.int64], count: int) -> dict[str, list[Surface]]:
    """Surfaces of each checkpoint beside this file, and of the two controls."""
    import torch
    from spines import shape_models

    torch.set_num_threads(1)
    found: dict[str, list[Surface]] = {}
    for name, (task, _) in shape_models().items():
        found[name] = task.decode(task.sample(count, 0))
    learned = population.select(train)
    found["memoriser"] = [learned.surfaces[i] for i in memorised(learned, count)]
    average = np.median([s.volume() for s in learned.surfaces])
    middle = min(learned.surfaces, key=lambda s: abs(s.volume() - average))
    found["one shape"] = [middle] * count
    return found


def compare(count: int = 60) -> None:
    """One row a generator, with what of it is in generated.csv; the protocol is in README.md."""
    done = {row["model"] for row in read_rows(HERE / "comparison.csv")}
    population = read_population("spines:base")
    train, held = split(population)
    radii = shell_radii([population.surfaces[i] for i in train])
    shells = shell_table(population.surfaces, radii)
    names, numbers = descriptor_table(population.surfaces)
    times = {row["spine"]: float(row[TIME]) for row in read_rows(HERE / "real.csv") if row[TIME]}
    for model, surfaces in generators(population, train, count).items():
        if model in done:
            continue
        try:
            made = shell_table(surfaces, radii), descriptor_table(surfaces)[1]
        except CellmlError as error:
            print(f"{model}: {error}", flush=True)
            continue
        row = {"model": model, "real": len(held), "generated": count, **shape_scores((shells, numbers), made, train, held, names)}
        append_row(HERE / "comparison.csv", row | time_scores(model, population, train, held, times))


def shape_scores(
    real: tuple[Any, Any], made: tuple[Any, Any], train: NDArray[np.int64], held: NDArray[np.int64], names: Sequence[str]
) -> dict[str, Any]:
    """Two-sample scores on shells (unscaled) and on descriptors (standardised by the training shapes)."""
    shells = euclidean_distances(real[0][held], made[0])
    test = one_nearest_test(shells)
    _, unknown, new = standardised(real[1][train], real[1][train], real[1][held], made[1])
    described = one_nearest_test(euclidean_distances(unknown, new))
    learned = euclidean_distances(made[0], real[0][train])
    row = {
        "one_nn": test.accuracy,
        "one_nn_low": test.low,
        "one_nn_high": test.high,
        "one_nn_p": test.p_value,
        "one_nn_descriptors": described.accuracy,
        "one_nn_descriptors_p": described.p_value,
        "coverage": coverage(shells),
        "matching_distance": minimum_matching_distance(shells),
        "kernel_mmd2": kernel_discrepancy(shells),
        "copied_share": copied_share(learned.between, learned.generated),
    }
    for name in DESCRIBED:
        column = names.index(name)
        spread = real[1][train][:, column].std()
        found = wasserstein_interval(real[1][held][:, column] / spread, made[1][:, column] / spread, draws=300)
        row |= {f"w_{name}": found.value, f"w_{name}_low": found.low, f"w_{name}_high": found.high}
    return {key: round(float(value), 5) for key, value in row.items()}


def time_scores(
    model: str, population: Population, train: NDArray[np.int64], held: NDArray[np.int64], times: dict[str, float]
) -> dict[str, Any]:
    """Times of molecules in generated spines against held-out real ones; of those splits that are of equal size and by stack."""
    rows = [row for row in read_rows(HERE / "generated.csv") if row["model"] == model]
    keys = ("certified_share", "time_w", "time_w_low", "time_w_high", "time_w_splits", "time_ratio", "time_ratio_low", "time_ratio_high")
    empty: dict[str, Any] = dict.fromkeys(keys, "")
    if model == "memoriser":
        known = [times[population.names[i]] for i in train if population.names[i] in times]
        made, certified = np.random.default_rng(0).choice(known, min(60, len(known)), replace=False), 1.0
    elif rows:
        made = np.array([float(row[TIME]) for row in rows if row[TIME]])
        certified = float(np.mean([row["certified"] == "True" for row in rows]))
        if len(made) < 10:  # a model that turns shapes about z has no times
            return empty | {"certified_share": certified}
    else:
        return empty
    kept = [i for i in held if population.names[i] in times]
    real, groups = np.array([times[population.names[i]] for i in kept]), [population.groups[i] for i in kept]
    whole = [i for i in range(len(population)) if population.names[i] in times]
    everything = np.array([times[population.names[i]] for i in whole])
    size = min(len(real), len(made), len(everything) // 3)
    apart = against_splits(everything, made, [population.groups[i] for i in whole], size=size)
    distance, ratio = wasserstein_interval(real, made, groups), median_ratio_interval(real, made, groups)
    found = (certified, distance.value, distance.low, distance.high, apart.splits, ratio.value, ratio.low, ratio.high)
    return {key: round(float(value), 5) for key, value in zip(keys, found, strict=True)}
