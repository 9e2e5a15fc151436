"""How likely shapes are that a model has not seen."""

from __future__ import annotations

import numpy as np

from cellml.shapes.evaluation.intervals import Interval
from cellml.shapes.model import ShapeModel
from cellml.shapes.population import Population


def held_out_log_likelihood(model: ShapeModel, held_out: Population, *, level: float = 0.9, draws: int = 1000, seed: int = 0) -> Interval:
    """Mean log density of the codes of held-out shapes, in nats a shape, with an interval over draws of whole groups.

    Densities of codes of one model at different numbers of shapes or of one family compare; those of different spaces of codes do not.
    Raises CellmlError where the model encodes nothing or has no density.
    """
    values = np.asarray(model.log_density(model.encode(held_out)), np.float64)
    groups = np.asarray(held_out.groups)
    names = np.unique(groups)
    sums, counts = np.array([[values[groups == name].sum(), (groups == name).sum()] for name in names]).T
    rows = np.random.default_rng(seed).integers(len(names), size=(draws, len(names)))
    means = sums[rows].sum(axis=1) / counts[rows].sum(axis=1)
    low, high = np.percentile(means, (50 * (1 - level), 50 * (1 + level)))
    return Interval(float(values.mean()), float(low), float(high), level)
