"""What the posterior says of courses, measured or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.estimation.chain import Chain
from cellml.sim.estimation.fit import Fit

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Band:
    """Quantiles of one course, without errors of measurement.

    times: (S + 1,) in s; low, middle, high: (S + 1,) in coherent units, at 5, 50 and 95 %.
    """

    observable: str
    times: Vector
    low: Vector
    middle: Vector
    high: Vector


def predictive(source: Fit | Chain, *, draws: int = 100, seed: int = 0) -> list[Band]:
    """Bands of all measured courses, from samples of a chain, or of Laplace's normal distribution around a fit."""
    rng = np.random.default_rng(seed)
    fit = source.fit if isinstance(source, Chain) else source
    if isinstance(source, Chain):
        z = source.samples[rng.choice(len(source.samples), draws)]
    else:
        z = np.clip(rng.multivariate_normal(fit.z, fit.covariance, size=draws), *fit.problem.bounds)
    runs = [fit.problem.courses(each) for each in z]
    bands = []
    for name in runs[0]:
        low, middle, high = np.quantile([run[name][1] for run in runs], [0.05, 0.5, 0.95], axis=0)
        bands.append(Band(name, runs[0][name][0], low, middle, high))
    return bands
