"""Classes of spines from codes of a shape model, against a forest on descriptors; both cross-validated by image stack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.rows import append_row, read_rows
from cellml.shapes.alignment import Alignment
from cellml.shapes.correspondence import aligned_coefficients
from cellml.shapes.descriptors import descriptor_table
from cellml.shapes.evaluation.classes import balanced_accuracy, cross_validated_classes, forest, linear
from cellml.shapes.reading import read_population
from cellml.shapes.statistical.components import fit_components

CLASSES = ("Mushroom", "Thin", "Stubby")
DEGREE, LATENT, DRAWS = 10, 16, 2000


def interval(truth: list[str], answers: NDArray[np.str_], groups: list[str]) -> tuple[float, float]:
    """95 % interval of balanced accuracy by drawing whole stacks with replacement."""
    rng, names = np.random.default_rng(0), np.unique(groups)
    members = [np.flatnonzero(np.asarray(groups) == name) for name in names]
    found = []
    for _ in range(DRAWS):
        rows = np.concatenate([members[i] for i in rng.integers(len(names), size=len(names))])
        found.append(balanced_accuracy([truth[i] for i in rows], answers[rows]))
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def judge(table: Path) -> None:
    """Rows of classes.csv: a way, its balanced accuracy and interval, on the classed spines that have harmonics."""
    done = {row["key"] for row in read_rows(table)}
    if {"class_forest_balanced_accuracy", "class_latent_balanced_accuracy"} <= done:
        return
    population = read_population("spines:base")
    found = aligned_coefficients(population, DEGREE, Alignment(rotate="none"), skip=True)
    classed = {name: kind for name, kind in zip(population.names, population.classes, strict=True) if kind in CLASSES}
    rows = [n for n, name in enumerate(found.names) if name in classed]
    kept = population.select([population.names.index(found.names[n]) for n in rows])
    values, truth, groups = found.values[rows], list(kept.classes), list(kept.groups)

    def latent(train: NDArray[np.int64], test: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        model = fit_components(values[train], LATENT)
        return model.codes(values[train]), model.codes(values[test])

    described = descriptor_table(kept.surfaces, axis=(1.0, 0.0, 0.0))[1]
    ways: dict[str, tuple[Any, Callable[[], Any]]] = {
        "class_forest": (described, forest),
        "class_latent": (latent, linear),
        "class_latent_forest": (latent, forest),
    }
    for name, (numbers, classifier) in ways.items():
        answers = cross_validated_classes(numbers, truth, groups, classifier)
        low, high = interval(truth, answers, groups)
        value = balanced_accuracy(truth, answers)
        append_row(table, {"key": f"{name}_balanced_accuracy", "value": value, "low": low, "high": high, "unit": "1", "spines": len(kept)})
