"""What the certified mesh head is asked for: distances to the surfaces of compartments, and a velocity."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from cellml.errors import CellmlError


class CompartmentTarget:
    """compartments: names of labels 1, 2, …; where two overlap, as a nucleus and its cell do, the later one counts."""

    kind = "mesh"

    def __init__(self, compartments: Sequence[str]) -> None:
        if not compartments or len(set(compartments)) < len(compartments):
            raise CellmlError(f"task.target.compartments must be different names of at least one compartment, got {list(compartments)}.")
        self.compartments = tuple(str(name) for name in compartments)

    @property
    def channels(self) -> int:
        """Output channels of the network: a distance for each compartment, and the velocity along x, y, z."""
        return len(self.compartments) + 3

    @property
    def names(self) -> dict[int, str]:
        """Names of labels."""
        return dict(enumerate(self.compartments, start=1))

    def activation(self, maps: Tensor) -> Tensor:
        """The maps as they are."""
        return maps
