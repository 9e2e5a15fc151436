"""Convolution over the vertices of a mesh and their neighbours."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.meshops import backend

# A vertex of a triangulation has six neighbours on average (Euler: 2E/V = 6 − 12(1 − g)/V).
_NEIGHBOURS = 6


@backend.instead_of(backend.neighbour_sums, when=backend.fits_on_gpu)
def neighbour_sums(features: Tensor, edges: Tensor, directed: bool = False) -> Tensor:
    """Σ over the neighbours j of each vertex i of f_j, (V, C) → (V, C); edges (E, 2).

    directed: along an edge (i, j) only i receives.
    """
    first, second = edges.unbind(1)
    sums = torch.zeros_like(features).index_add(0, first, features[second])
    return sums if directed else sums.index_add(0, second, features[first])


class GraphConvolution(nn.Module):
    """f'_i = W₀ f_i + b₀ + Σ_j (W₁ f_j + b₁) over the neighbours j of i (Morris et al. 2019, eq. 5; Wang et al. 2018, eq. 1).

    in_channels, out_channels: features of a vertex before and after; directed: only the first vertex of an edge receives. Weights start
    such that variance is kept at a vertex of six neighbours.
    """

    def __init__(self, in_channels: int, out_channels: int, directed: bool = False) -> None:
        super().__init__()
        self.directed = directed
        self.own = nn.Linear(in_channels, out_channels)
        self.neighbours = nn.Linear(in_channels, out_channels)
        for layer, share in ((self.own, 0.5), (self.neighbours, 0.5 / _NEIGHBOURS)):
            nn.init.normal_(layer.weight, std=(share / in_channels) ** 0.5)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor, edges: Tensor) -> Tensor:
        """features: (V, in_channels), edges: (E, 2) → (V, out_channels). Raises CellmlError for features of another width."""
        if features.ndim != 2 or features.shape[1] != self.own.in_features:
            raise CellmlError(f"This graph convolution takes (V, {self.own.in_features}) features, got {tuple(features.shape)}.")
        sums: Tensor = self.own(features) + neighbour_sums(self.neighbours(features), edges, self.directed)
        return sums
