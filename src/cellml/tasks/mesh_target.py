"""What a network is asked for that predicts surfaces: one closed surface for each named structure."""

from __future__ import annotations

from collections.abc import Sequence

from cellml.errors import CellmlError


class MeshTarget:
    """structures: names of the surfaces, in the order of the data's compartments. Raises CellmlError for none or two of one name."""

    kind = "mesh"

    def __init__(self, structures: Sequence[str]) -> None:
        self.structures = [str(name) for name in structures]
        if not self.structures or len(set(self.structures)) != len(self.structures):
            raise CellmlError(f"A mesh target needs structures with different names, got {self.structures}.")

    @property
    def channels(self) -> int:
        """Surfaces of the network."""
        return len(self.structures)
