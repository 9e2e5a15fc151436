"""What transport observables are measured on: one compartment as a mesh of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cellml.sim.domain import Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.estimate import Estimate
from cellml.sim.placement import Placement


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
