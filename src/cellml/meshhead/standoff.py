"""Vertices of the grid that lie too near to a surface are warped off it.

Labelle & Shewchuk (2007, section 3.2) warp such a vertex onto the surface, which removes the slivers between them but pinches surfaces
where two sheets are near, and changes which tetrahedra there are whenever a vertex comes near. Warping it the other way, along the
gradient until it stands off by a share α of a cube, removes the same slivers: the surface is still where it was, but passes through the
middle of edges. What is cut then depends on labels alone, and vertices move smoothly while no label changes. On planes in any position
the smallest dihedral angle is 10.7° at α = 0.25 (Labelle and Shewchuk prove 10.78° for theirs).
"""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.meshhead.grid import BackgroundGrid

STANDOFF = 0.25  # α, in cubes
_TINY = 1e-12


def stood_off(grid: BackgroundGrid, points: Tensor, scores: Tensor, labels: Tensor, share: float = STANDOFF) -> tuple[Tensor, Tensor]:
    """Points (V, 3) and scores (K, V) of the grid's vertices after warping.

    At a vertex of label a with the next best label b, m = s_a − s_b ≥ 0 vanishes on the surface between them, m / |∇m| away. Where this is
    below α, the vertex moves by (α − m / |∇m|) ∇m / |∇m|, lengths in cubes, and scores follow along their gradients. Only vertices beside
    another label move, and those on a wall stay in it. That nothing is turned over is for `relaxed` to see to.
    points: (V, 3) in nm, as a flow left them; scores: (K, V) float64; share: α, 0 moves nothing.
    """
    beside = _beside(grid.edges, labels, len(points))
    if share <= 0 or not beside.any():
        return points, scores
    chosen = torch.nonzero(beside)[:, 0]
    slopes = _gradients(grid, points / grid.step, scores, beside)
    own = labels[chosen]
    second, other = scores[:, chosen].scatter(0, own[None], -torch.inf).max(0)
    row = torch.arange(len(chosen), device=chosen.device)
    slope = torch.where(grid.walls[chosen], 0.0, slopes[row, own] - slopes[row, other])
    steep = (slope.square().sum(1) + _TINY * slopes.detach().square().sum((1, 2)).amax().clamp(min=_TINY)).sqrt()
    short = (share - (scores[own, chosen] - second) / steep).clamp(min=0)
    move = (short / steep)[:, None] * slope
    change = torch.einsum("nkd,nd->kn", slopes, move)
    return points.index_add(0, chosen, move * grid.step), scores.index_add(1, chosen, change)


def _beside(edges: Tensor, labels: Tensor, vertices: int) -> Tensor:
    """Which vertices have a neighbour of another label, (V,)."""
    beside = torch.zeros(vertices, dtype=torch.bool, device=labels.device)
    beside[edges[labels[edges[:, 0]] != labels[edges[:, 1]]].reshape(-1)] = True
    return beside


def _gradients(grid: BackgroundGrid, points: Tensor, scores: Tensor, beside: Tensor) -> Tensor:
    """Least-squares gradients of all scores at some vertices, from their neighbours, (N, K, 3) per cube.

    (Σ d dᵀ) ∇s = Σ d Δs over the edges d of a vertex; points: (V, 3) in cubes; beside: (V,), which vertices.
    """
    edges = torch.cat([grid.edges, grid.edges.flip(1)])
    edges = edges[beside[edges[:, 0]]]
    place = torch.cumsum(beside, 0) - 1
    a, b = edges.unbind(1)
    reach, rise = points[b] - points[a], (scores[:, b] - scores[:, a]).T
    count = int(beside.sum())
    normal = points.new_zeros(count, 3, 3).index_add(0, place[a], reach[:, :, None] * reach[:, None])
    right = points.new_zeros(count, 3, len(scores)).index_add(0, place[a], reach[:, :, None] * rise[:, None])
    return torch.linalg.solve(normal, right).transpose(1, 2)
