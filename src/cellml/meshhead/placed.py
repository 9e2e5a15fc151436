"""Where the nodes of a divided grid are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cellml.meshhead.cells import Cells

_NEAREST_INSIDE = 0.1  # barycentric coordinates of nodes on facets are at least this


@dataclass(frozen=True, eq=False)
class Placing:
    """What the nodes of `cells` are placed by, and between what they may move.

    rest, moved: (V, 3) of the grid's vertices before and after flow and warping; before, after: (K, V) scores at both; labels: (V,);
    nearest: share of an edge between its ends and where it is cut.
    """

    cells: Cells
    rest: Tensor
    moved: Tensor
    before: Tensor
    after: Tensor
    labels: Tensor
    nearest: float

    def __call__(self, shares: Tensor | None = None) -> Tensor:
        """The nodes, (N, 3) in nm.

        shares: (N,) in [0, 1] of each node: how far it is on its way from rest, where vertices are where they were, and other nodes in the
        middle of what they lie in (1 where None).
        """
        count = len(self.rest)
        edges, facets, insides = self.cells.edges, self.cells.facets, self.cells.insides
        points, scores, on_edge, on_facet = self.moved, self.after, None, None
        if shares is not None:
            points = self.rest + shares[:count, None] * (self.moved - self.rest)
            scores = self.before + shares[:count] * (self.after - self.before)
            on_edge, on_facet, _ = torch.split(shares[count:, None], [len(edges), len(facets), len(insides)])
        u, v = edges.unbind(1)
        p, q, r = facets.unbind(1)
        share, weights = self._cut_share(scores, u, v), self._weights(scores, facets)
        if on_edge is not None and on_facet is not None:
            share = 0.5 + on_edge[:, 0] * (share - 0.5)
            weights = 1 / 3 + on_facet * (weights - 1 / 3)
        on_edges = points[u] + share[:, None] * (points[v] - points[u])
        # Weighted this way, coordinates that three corners share are kept to the last bit: what lies in a wall stays in it.
        on_facets = points[p] + weights[:, 1:2] * (points[q] - points[p]) + weights[:, 2:] * (points[r] - points[p])
        return torch.cat([points, on_edges, on_facets, points[insides].mean(1)])

    def _cut_share(self, scores: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """T = d_u / (d_u − d_v), within [nearest, 1 − nearest], for d = s_a − s_b and labels a and b of the ends, (E,)."""
        a, b = self.labels[u], self.labels[v]
        at_u, at_v = scores[a, u] - scores[b, u], scores[a, v] - scores[b, v]
        span = at_u - at_v
        # A node needs a place even where warping turned the order of scores over, or left no difference at all.
        share = torch.where(span > 0, at_u / torch.where(span > 0, span, 1.0), 0.5)
        return share.clamp(self.nearest, 1 - self.nearest)

    def _weights(self, scores: Tensor, facets: Tensor) -> Tensor:
        """Barycentric coordinates of where three scores are equal, brought inside the facet, (F, 3).

        Orthogonal to the differences s_a − s_b and s_a − s_c at the three corners: their cross product, divided by its sum.
        """
        own = self.labels[facets]
        values = scores[own[:, :, None], facets[:, None, :]]  # (F, label of corner i, at corner j)
        weights = torch.linalg.cross(values[:, 0] - values[:, 1], values[:, 0] - values[:, 2], dim=1)
        total = weights.sum(1, keepdim=True)
        solvable = total.abs() > 1e-9 * weights.abs().sum(1, keepdim=True)
        weights = torch.where(solvable, weights / torch.where(solvable, total, 1.0), 1.0 / 3.0).clamp(_NEAREST_INSIDE, 1.0)
        return weights / weights.sum(1, keepdim=True)
