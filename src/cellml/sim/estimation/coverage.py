"""Calibration of intervals: how often they hold the truth.

Truths are drawn from the prior, data are made from them with errors, and each data set is fitted as if nothing were known but the prior
(Talts et al. 2018; Cook, Gelman & Rubin 2006): then a central interval of 90 % holds the truth in 90 of 100 fits, whatever the prior, if
the posterior is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cellml.sim.analytic import box
from cellml.sim.estimation.fit import maximum_posterior
from cellml.sim.estimation.measurements import Measurement
from cellml.sim.estimation.problem import Problem
from cellml.sim.estimation.unknowns import unknowns
from cellml.sim.model_file import parse_model

# Ligand is released at one end of a rod, diffuses, and binds to its membrane; what is bound and what arrives at the other end is measured.
MODEL = """
species:
  A: {in: "*", D: D}
  X: {on: membrane, initial: {value: 200, unit: molecule/um^2}}
  B: {on: membrane}
parameters:
  D: {value: 1, unit: um^2/s, prior: {lognormal: {median: 1, sd_log: 0.4}}, estimate: true}
  k_on: {value: 0.05, unit: 1/(uM*s), prior: {lognormal: {median: 0.05, sd_log: 0.4}}, estimate: true}
  k_off: {value: 1, unit: 1/s, prior: {lognormal: {median: 1, sd_log: 0.4}}, estimate: true}
reactions:
  - {name: bind, on: membrane, equation: A + X <-> B, forward: k_on, backward: k_off}
releases:
  - {of: A, at: cut_z0, amount: {value: 5000, unit: molecule}}
time: {end: {value: 2, unit: s}, steps: 25}
observables:
  - {type: amount, of: B, name: bound}
  - {type: concentration, of: A, at: [250, 250, 2000], name: far}
"""
NOISE = (0.02, 0.05, 0.15)
TIMES = np.linspace(0.1, 2.0, 20)


@dataclass(frozen=True)
class CoverageRow:
    """One parameter of one fit, in coherent units. noise: sd of the errors as a share of the largest value of each course."""

    noise: float
    fit: int
    name: str
    truth: float
    estimate: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the 90 % interval holds the truth."""
        return self.low <= self.truth <= self.high


def coverage_rows(noise: float, fits: range, *, seed: int = 0) -> Iterator[list[CoverageRow]]:
    """The rows of each fit at one level of noise; fit k draws the same truth and errors in every run."""
    model = parse_model(MODEL, Path("coverage.yaml"))
    mesh = box((500.0, 500.0, 2000.0), (1, 1, 8), cuts=("z0", "z1"))
    sought = unknowns(model)
    blank = tuple(Measurement(name, TIMES, np.zeros_like(TIMES), np.ones_like(TIMES)) for name in ("bound", "far"))
    problem = Problem(mesh, model, sought, blank)
    for number in fits:
        rng = np.random.default_rng([seed, round(noise * 1000), number])
        truth = np.array([u.mean + u.sd * rng.standard_normal() for u in sought])
        measured = []
        for name, (times, values) in problem.courses(truth).items():
            exact = np.interp(TIMES, times, values)
            sd = np.full_like(exact, noise * exact.max())
            measured.append(Measurement(name, TIMES, exact + sd * rng.standard_normal(len(exact)), sd))
        fit = maximum_posterior(replace(problem, measurements=tuple(measured)))
        yield [
            CoverageRow(noise, number, u.name, u.value(float(z)), u.value(float(best)), *fit.interval(u.name))
            for u, z, best in zip(sought, truth, fit.z, strict=True)
        ]
