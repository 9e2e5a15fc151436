"""Copy numbers of many replicas in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cellml.sim.dynamics import diffusion_time, plan_of
from cellml.sim.errors import SimulationError
from cellml.sim.model import Model
from cellml.sim.particles.cells import Floats, Index
from cellml.types import TetMesh

# Molecules of all replicas together that are followed one by one.
MOST_MOLECULES = 50_000_000


@dataclass(frozen=True, eq=False)
class CopyCourses:
    """Copies in time.

    times: (S + 1,) in s; amounts: by species, (R, S + 1) copies in each replica; notes: what a reader should know.
    """

    times: Floats
    amounts: Mapping[str, Index]
    notes: tuple[str, ...]

    def mean(self, species: str) -> Floats:
        """Mean copies over the replicas at each time, (S + 1,)."""
        return np.asarray(self.amounts[species].mean(axis=0))

    def variance(self, species: str) -> Floats:
        """Variance over the replicas at each time, (S + 1,); unbiased."""
        return np.asarray(self.amounts[species].var(axis=0, ddof=1))

    def standard_error(self, species: str) -> Floats:
        """Standard error of the mean at each time, (S + 1,)."""
        return np.sqrt(self.variance(species) / len(self.amounts[species]))


def step_times(mesh: TetMesh, model: Model, steps: int | None) -> Floats:
    """Times in s between the steps of a run, (S + 1,); steps: by default those of the model. Raises SimulationError without `time`."""
    if model.time is None:
        raise SimulationError(f"The model {model.name!r} has no `time:`; molecules need an end: time: {{end: {{value: 1, unit: s}}}}.")
    count = model.time.steps if steps is None else steps
    if count < 1:
        raise SimulationError(f"A run needs at least one step, found steps={count}.")
    return np.linspace(0.0, plan_of(model, diffusion_time(mesh, model)).end, count + 1)


def check_replicas(replicas: int, copies: Mapping[str, float]) -> None:
    """Raise SimulationError for less than one replica, and for more molecules than can be followed one by one."""
    if replicas < 1:
        raise SimulationError(f"At least one replica is needed, found replicas={replicas}.")
    total = replicas * sum(copies.values())
    if total > MOST_MOLECULES:
        raise SimulationError(
            f"{replicas} replicas of {total / replicas:.3g} molecules are {total:.3g} to follow one by one, more than {MOST_MOLECULES:g}; "
            "take fewer replicas, or solve for concentrations, which so many molecules hardly leave."
        )
