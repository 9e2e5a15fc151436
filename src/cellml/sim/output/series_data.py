"""The species of a solution in time, as grids on their own places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.system import System
from cellml.sim.solve import Solution, unit_of_species


@dataclass(frozen=True, eq=False)
class PlaceGrid:
    """One compartment or membrane. points: (N, 3) in nm; cells: (C, 4) tetrahedra or (C, 3) triangles of these points; species: that live
    there, with their units.
    """

    name: str
    points: NDArray[np.float64]
    cells: NDArray[np.int64]
    species: Mapping[str, str]

    @property
    def bulk(self) -> bool:
        """Whether its cells are tetrahedra."""
        return self.cells.shape[1] == 4


def place_grids(solution: Solution) -> Iterator[PlaceGrid]:
    """A grid for each place where species live, with the nodes of its own only: concentrations jump from one to the next."""
    system = system_of(solution)
    for name, space in system.spaces.items():
        living = {s: unit_of_species(solution.model, s) for s in system.slices if solution.model.species[s].place == name}
        if living:
            yield PlaceGrid(name, solution.mesh.points[space.nodes], space.cells, living)


def moments(solution: Solution) -> list[tuple[float, Mapping[str, NDArray[np.float64]]]]:
    """Times in s, increasing, and the species then at all points of the mesh, (P,) each; a steady state stands at time 0."""
    return [(t if np.isfinite(t) else 0.0, solution.series[t]) for t in sorted(solution.series)]


def system_of(solution: Solution) -> System:
    """The discrete system of a solution that was followed in time or to its steady state."""
    assert solution.dynamics is not None
    return solution.dynamics.system
