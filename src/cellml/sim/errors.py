"""The error of a simulation that cannot be done as asked."""

from __future__ import annotations

from cellml.errors import CellmlError


class SimulationError(CellmlError):
    """A model, a mesh, or a pair of both, that has no solution; the message says which and what to change."""
