"""Displacements that leave every tetrahedron a share of its volume."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshhead.grid import determinants

_HALVINGS = 6  # of a vertex's displacement before it is given up


def moved_above_floor(points: Tensor, tets: Tensor, move: Tensor, least: Tensor) -> Tensor:
    """Points + s · move with the largest s = 1, ½, ¼, …, or 0, at each vertex for which every determinant stays at or above `least`.

    Where a tetrahedron would fall below it, the displacements of its corners are halved, and given up after six halvings; where all four
    are given up it is as it was, so that this ends with no tetrahedron below, whatever the displacement. The gradient is that of s · move
    for constant s. points, move: (V, 3); tets: (T, 4); least: (T,), what the determinants of `points` themselves reach.
    Raises CellmlError for displacements that are not finite.
    """
    if not torch.isfinite(move).all():
        bad = int((~torch.isfinite(move)).any(1).sum())
        raise CellmlError(f"{bad} of {len(move)} displacements of the grid are not finite numbers; lower the learning rate.")
    return points + _shares(points.detach(), tets, move.detach(), least)[:, None] * move


@torch.no_grad()
def _shares(points: Tensor, tets: Tensor, move: Tensor, least: Tensor) -> Tensor:
    halvings = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    shares = points.new_ones(len(points))
    watched = torch.arange(len(tets), device=tets.device)
    while True:
        below = determinants(points + shares[:, None] * move, tets[watched]) < least[watched]
        if not below.any():
            return shares
        corners = torch.unique(tets[watched[below]])
        halvings[corners] += 1
        shares[corners] = torch.where(halvings[corners] > _HALVINGS, 0.0, 0.5 ** halvings[corners].double()).to(shares)
        touched = torch.zeros(len(points), dtype=torch.bool, device=points.device)
        touched[corners] = True
        watched = torch.nonzero(touched[tets].any(1))[:, 0]
