"""What can go wrong between labels and tetrahedra."""

from __future__ import annotations

from cellml.errors import CellmlError


class MeshingError(CellmlError):
    """An object that could not be meshed; the message says which step refused it, why, and what may help."""
