"""A small problem whose truth is known: a ligand that is released at one end of a rod and binds to its membrane."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellml.sim.analytic import box
from cellml.sim.estimation.coverage import MODEL
from cellml.sim.estimation.fit import Fit, maximum_posterior
from cellml.sim.estimation.measurements import Measurement
from cellml.sim.estimation.problem import Problem
from cellml.sim.estimation.unknowns import unknowns
from cellml.sim.model_file import parse_model

TIMES = np.linspace(0.2, 2.0, 10)
TRUTH = np.log([1.3, 0.06 / 602.214, 0.8])  # D, k_on, k_off


def measure(problem: Problem, z: np.ndarray, noise: float, seed: int = 0) -> Problem:
    """The problem with data from a truth z and errors of a share `noise` of the largest value."""
    rng, measured = np.random.default_rng(seed), []
    for name, (times, values) in problem.courses(z).items():
        exact = np.interp(TIMES, times, values)
        sd = np.full_like(exact, max(noise, 1e-6) * exact.max())
        measured.append(Measurement(name, TIMES, exact + noise * exact.max() * rng.standard_normal(len(exact)), sd))
    return replace(problem, measurements=tuple(measured))


@pytest.fixture(scope="session")
def blank() -> Problem:
    model = parse_model(MODEL.replace("steps: 25", "steps: 12"), Path("binding.yaml"))
    mesh = box((500.0, 500.0, 2000.0), (1, 1, 6), cuts=("z0", "z1"))
    empty = tuple(Measurement(name, TIMES, np.zeros_like(TIMES), np.ones_like(TIMES)) for name in ("bound", "far"))
    return Problem(mesh, model, unknowns(model), empty)


@pytest.fixture(scope="session")
def noisy(blank: Problem) -> Problem:
    return measure(blank, TRUTH, 0.05)


@pytest.fixture(scope="session")
def fitted(noisy: Problem) -> Fit:
    return maximum_posterior(noisy)
