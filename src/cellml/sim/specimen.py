"""What transport observables are measured on: one compartment as a mesh of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellml.sim.domain import Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.estimate import Estimate
from cellml.sim.placement import Placement
from cellml.types import TetMesh


@dataclass(frozen=True, eq=False)
class Specimen:
    """A shape to measure on: its P1 space, the diffusion coefficient in µm²/s and its places."""

    domain: Domain
    D: float
    placement: Placement

    @cached_property
    def enrichment(self) -> Enrichment:
        """The edge bubbles of all error estimates."""
        return Enrichment(self.domain)

    @cached_property
    def between_ends(self) -> dict[tuple[str, str], Estimate]:
        """Shape factors that have been solved for, in µm, by (from, to)."""
        return {}


def part_of(mesh: TetMesh, tets: NDArray[np.bool_]) -> TetMesh:
    """The mesh of some tetrahedra (T,) on the same points, with the tagged facets whose corners it has."""
    if tets.all():
        return mesh
    present = np.zeros(len(mesh.points), bool)
    present[mesh.tets[tets]] = True
    kept = present[mesh.facets].all(axis=1)
    return replace(mesh, tets=mesh.tets[tets], regions=mesh.regions[tets], facets=mesh.facets[kept], facet_tags=mesh.facet_tags[kept])
