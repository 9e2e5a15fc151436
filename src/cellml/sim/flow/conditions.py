"""What happens to a fluid on a named facet set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cellml.sim.mechanics.conditions import Components, Displacement, Pressure, Traction
from cellml.sim.mechanics.space import Floats


@dataclass(frozen=True)
class Velocity:
    """A prescribed velocity.

    on: name of the facets; value: (x, y, z) in µm/s, None for a component that stays free, or a function of points (K, 3) in µm that
    returns (K, 3); no slip if left out. Where two sets meet, the one listed later holds the shared nodes.
    """

    on: str
    value: Components | Callable[[Floats], Floats] = (0.0, 0.0, 0.0)

    def as_displacement(self) -> Displacement:
        """The same condition in the words of mechanics, which finds the unknowns."""
        return Displacement(self.on, self.value)


@dataclass(frozen=True)
class Opening:
    """An open end through which fluid flows at a given pressure: η ∂ₙu − p n = −value·n (Heywood, Rannacher & Turek 1996).

    Exact for developed flow through a straight end, which a traction is not. value: in Pa.
    """

    on: str
    value: float = 0.0

    def as_load(self) -> Pressure:
        """The same condition as a load."""
        return Pressure(self.on, self.value)


Load = Opening | Traction

__all__ = ["Load", "Opening", "Traction", "Velocity"]
