"""How many molecules there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from cellml.sim.engine.release import release_load
from cellml.sim.engine.start import sound_initial
from cellml.sim.engine.system import System, build_system
from cellml.sim.errors import SimulationError
from cellml.sim.model import Model
from cellml.sim.particles.cells import Floats
from cellml.sim.placement import NoPlaceError
from cellml.types import TetMesh

T = TypeVar("T")

FEW_COPIES = 100


def placed(model: Model, what: Callable[[], T]) -> T:
    """What a function gives; SimulationError where an automatic choice of a place, such as largest_cut, has no answer on the mesh."""
    try:
        return what()
    except NoPlaceError as missing:
        raise SimulationError(f"The model {model.name!r} names a place that this mesh does not have: {missing.reason}.") from None


def copy_numbers(mesh: TetMesh, model: Model) -> dict[str, float]:
    """Molecules of each species at the beginning: initial concentration × volume or area, and what is released.

    Raises SimulationError for a model that does not fit the mesh.
    """
    return placed(model, lambda: copies_of(build_system(mesh, model)))


def copies_of(system: System) -> dict[str, float]:
    """Molecules of each species of a system at the beginning."""
    expected = expected_copies(system)
    return {name: float(expected[part].sum()) for name, part in system.slices.items()}


def few_copies(copies: Mapping[str, float]) -> list[str]:
    """A note, in runs of whole molecules, for each species with some, but fewer than FEW_COPIES molecules."""
    return [
        f"{name}: {count:.3g} molecules are so few that chance matters: runs differ by the order of {np.sqrt(count):.2g}; "
        "see the standard deviation over replicas."
        for name, count in copies.items()
        if 0 < count < FEW_COPIES
    ]


def expected_copies(system: System) -> Floats:
    """Molecules at the beginning behind each unknown of a system, (N,)."""
    values = system.model.values()
    released = release_load(system, values)
    return np.asarray(system.weights * sound_initial(system, values) + (0.0 if released is None else released))


def whole(expected: float, replicas: int, rng: np.random.Generator) -> np.ndarray:
    """Whole numbers (R,) with the given mean: rounded up with the probability of the fraction."""
    return np.floor(expected).astype(np.int64) + (rng.random(replicas) < expected % 1.0)
