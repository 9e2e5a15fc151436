"""What can go wrong between labels and tetrahedra."""

from __future__ import annotations

from cellml.errors import CellmlError


class MeshingError(CellmlError):
    """An object that could not be meshed; the message says which step refused it, why, and what may help."""


class MeshingTimeoutError(MeshingError):
    """Time was up before there was a mesh: nothing is said about the object, a slower machine or a smaller limit would have said it too."""
