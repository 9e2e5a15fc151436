"""From a coarse mesh with features to a fine one, with learned features and places of the new vertices."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.meshops.batch import MeshBatch
from cellml.meshops.subdivision import Subdivision


class LearnedUnpooling(nn.Module):
    """A new vertex on each edge (edge-based unpooling, Wang et al. 2018, section 3.4), whose features and place are learned.

    With ends a, b: f_new = (f_a + f_b)/2 + φ((f_a + f_b)/2, |f_a − f_b|), x_new = (x_a + x_b)/2 + reach · |x_a − x_b| · ψ(f_new), where
    ‖ψ‖ < 1. Both are the same whichever end comes first. φ and ψ start at zero, as plain averaging. reach: how far a new vertex may leave
    the midpoint, as a share of the edge; below 0.5 it stays nearer to its edge than the ends are.
    """

    def __init__(self, channels: int, hidden: int = 32, reach: float = 0.25) -> None:
        super().__init__()
        if not 0 <= reach <= 0.5:
            raise CellmlError(f"The reach of new vertices must be between 0 and 0.5 of their edge, got {reach}.")
        self.reach = reach
        last = nn.Linear(hidden, channels)
        self.features = nn.Sequential(nn.Linear(2 * channels, hidden), nn.ReLU(), last)
        self.place = nn.Linear(channels, 3)
        for layer in (last, self.place):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, batch: MeshBatch, features: Tensor, step: Subdivision | None = None) -> tuple[MeshBatch, Tensor]:
        """features: (V, channels) → the fine batch (V + E vertices) and its features; step: the subdivision of batch.topology, if made."""
        step = Subdivision(batch.topology) if step is None else step
        a, b = features[step.coarse.edges].unbind(1)
        mean = (a + b) / 2
        new = mean + self.features(torch.cat([mean, (a - b).abs()], dim=1))
        start, end = batch.vertices[step.coarse.edges].unbind(1)
        length = torch.linalg.vector_norm(start - end, dim=1, keepdim=True)
        places = (start + end) / 2 + self.reach * length * _within_ball(self.place(new))
        return MeshBatch(step.extended(batch.vertices, places), step.fine), step.extended(features, new)


def _within_ball(vectors: Tensor) -> Tensor:
    """Scale to v / √(1 + |v|²): the same direction, shorter than 1, smooth at zero."""
    return vectors / torch.sqrt(1 + vectors.square().sum(1, keepdim=True))
