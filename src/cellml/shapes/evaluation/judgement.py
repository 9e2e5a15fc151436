"""Everything that can be said of generated shapes beside real ones without a model: one dictionary, with its protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.shapes.descriptors import descriptor_table
from cellml.shapes.evaluation.controls import copied_share, memorised
from cellml.shapes.evaluation.intervals import against_splits, wasserstein_interval
from cellml.shapes.evaluation.shells import shell_radii, shell_table
from cellml.shapes.evaluation.two_sample import (
    Distances,
    coverage,
    euclidean_distances,
    kernel_discrepancy,
    minimum_matching_distance,
    one_nearest_test,
    standardised,
)
from cellml.shapes.population import Population
from cellml.types import Surface

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Protocol:
    """How shapes are compared: radii and degree of the shells (`cellml.shapes.evaluation.shells`), draws of the resampling, level of the
    intervals, seed of everything random.
    """

    shells: int = 8
    degree: int = 8
    draws: int = 300
    level: float = 0.9
    seed: int = 0

    def stamp(self, real: int, generated: int, reference: int, held_out: bool) -> str:
        """The protocol in words, to be printed under every table of scores."""
        against = "held-out real shapes" if held_out else "real shapes, which may be those that the model learned from"
        return (
            f"{generated} generated against {real} {against}; harmonic descriptors: norms of degrees 0 to {self.degree} on {self.shells} "
            f"shells, not scaled, Euclidean distances, not squared; geometric descriptors: standardised by {reference} reference shapes, "
            f"logarithms of sizes; 1-NN leaves one out, in {min(200, self.draws)} draws of equal size without replacement; intervals hold "
            f"{100 * self.level:g} % of {self.draws} bootstrap draws (real shapes by group); seed {self.seed}"
        )


def judge_shapes(
    generated: Sequence[Surface], real: Population, train: Population | None = None, protocol: Protocol | None = None
) -> dict[str, Any]:
    """Scores of generated shapes against real ones, and of the controls where the training shapes are known.

    real: best held out from the model; train: what the model learned from: it scales descriptors, is what the memoriser gives, and tells
    copies. Keys: protocol, harmonic and geometric (1-NN, coverage, mmd as minimum matching distance, kernel_mmd2), descriptors (for each
    the Wasserstein distance in standard deviations with interval, and that of splits of real shapes), copied_share, controls. Raises
    CellmlError for fewer than ten shapes on either side and shapes that enclose nothing.
    """
    chosen = protocol or Protocol()
    real.require(10, "Judging generated shapes")
    reference = train if train is not None else real
    radii = shell_radii(reference.surfaces, chosen.shells)
    names, known = descriptor_table(reference.surfaces)
    tables = {
        "real": (shell_table(real.surfaces, radii, chosen.degree), descriptor_table(real.surfaces)[1]),
        "generated": (shell_table(generated, radii, chosen.degree), descriptor_table(generated)[1]),
    }
    result: dict[str, Any] = {"protocol": chosen.stamp(len(real), len(generated), len(reference), train is not None)}
    result |= _scores(tables["real"], tables["generated"], known, chosen)
    result["descriptors"] = _by_descriptor(names, tables["real"][1], tables["generated"][1], known, real.groups, chosen)
    if train is not None:
        shells = shell_table(train.surfaces, radii, chosen.degree)
        learned = euclidean_distances(shells, tables["generated"][0])
        result["copied_share"] = copied_share(learned.between.T, learned.real)
        copies = memorised(train, len(generated), chosen.seed)
        middle = int(euclidean_distances(shells, shells).real.sum(axis=1).argmin())
        once = np.full(len(generated), middle)
        result["controls"] = {
            name: _scores(tables["real"], (shells[rows], known[rows]), known, chosen)
            for name, rows in (("memoriser", copies), ("most central shape", once))
        }
    return result


def _scores(real: tuple[Floats, Floats], made: tuple[Floats, Floats], known: Floats, protocol: Protocol) -> dict[str, Any]:
    """Two-sample scores on shells, and on standardised descriptors."""
    one, other = standardised(known, real[1], made[1])
    return {
        "harmonic": _of_distances(euclidean_distances(real[0], made[0]), protocol),
        "geometric": _of_distances(euclidean_distances(one, other), protocol),
    }


def _of_distances(distances: Distances, protocol: Protocol) -> dict[str, Any]:
    return {
        "one_nearest": asdict(one_nearest_test(distances, draws=min(200, protocol.draws), seed=protocol.seed)),
        "coverage": coverage(distances),
        "minimum_matching_distance": minimum_matching_distance(distances),
        "kernel_mmd2": kernel_discrepancy(distances),
    }


def _by_descriptor(
    names: Sequence[str], real: Floats, made: Floats, known: Floats, groups: Sequence[str], protocol: Protocol
) -> dict[str, dict[str, Any]]:
    """Distances of the distribution of each descriptor, in its standard deviation among the reference shapes."""
    found = {}
    spread = np.maximum(known.std(axis=0), 1e-12)
    for column, name in enumerate(names):
        one, other = real[:, column] / spread[column], made[:, column] / spread[column]
        interval = wasserstein_interval(one, other, groups, level=protocol.level, draws=protocol.draws, seed=protocol.seed)
        splits = against_splits(one, other, draws=protocol.draws, seed=protocol.seed)
        found[name] = {**asdict(interval), "splits": splits.splits, "of_equal_size": splits.distance, "within": splits.within}
    return found
