"""One member of a committee as a network of its own: what a single orientation of a single checkpoint answers."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from cellml.uncertainty.committee import Committee, Triple
from cellml.uncertainty.symmetry import Symmetry


class OneMember(nn.Module):
    """(1, C, z, y, x) image → (1, K, z, y, x) probabilities of one network in one orientation, in the frame of the image.

    committee: the networks and orientations that there are; net, symmetry: the numbers of the one. The identity is asked too where channels
    of affinities move, for the pairs that reach beyond a tile. It looks like a network to `SlidingWindow`.
    """

    def __init__(self, committee: Committee, net: int, symmetry: int) -> None:
        super().__init__()
        chosen = committee.symmetries[symmetry]
        asked = [Symmetry()] if chosen == Symmetry() else [Symmetry(), chosen]
        nets: Any = committee.nets
        self.asked = Committee(
            [nets[net]],
            committee.activation,
            exclusive=committee.exclusive,
            symmetries=asked,
            offsets=committee.offsets,
            entropies=False,
        )
        self.eval()

    @property
    def multiple(self) -> Triple:
        """Input sizes that suit the network."""
        return self.asked.multiple

    @property
    def halo(self) -> Triple:
        """Its field of view in this orientation."""
        return self.asked.halo

    @property
    def shift(self) -> Triple:
        """Context for shifted affinities."""
        return self.asked.shift

    def forward(self, image: Tensor) -> Tensor:
        """Probabilities of the member."""
        logits = image
        for logits in self.asked.answers(image):  # noqa: B007  the last one is the member's
            pass
        return self.asked.activation(logits)
