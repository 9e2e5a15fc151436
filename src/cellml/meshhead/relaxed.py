"""Nodes are drawn back towards rest where a tetrahedron would be flat."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from cellml.meshhead.cells import Cells
from cellml.meshhead.grid import BackgroundGrid

_HALVINGS = 5  # of the way from rest before it is given up
_OF_REST = 0.999  # of the angle at rest, which is asked for where it is below the limit
_CHUNK = 400_000


@torch.no_grad()
def relaxed_shares(grid: BackgroundGrid, cells: Cells, placed: Callable[[Tensor], Tensor], least_deg: float) -> Tensor:
    """For each node the largest share 1, ½, ¼, …, or 0 of its way from rest with which every dihedral angle stays at or above a limit.

    At rest, where edges and facets are cut in their middle, the smallest angle on a grid of cubes is 18.4° between two labels (10.9°
    beside a wall), and above that between three and four. Where a tetrahedron is flatter than the limit, or turned over, its nodes and
    the vertices of the one that it is part of are drawn back; where all are at rest it is as good as there, so that this ends within the
    limit whatever the scores and displacements, on cubes; on a stretched grid, within what that allows at rest.
    placed: shares (N,) → nodes (N, 3) in nm; least_deg: the limit in degrees.
    """
    shares = grid.points.new_ones(len(grid.points) + len(cells.edges) + len(cells.facets) + len(cells.insides))
    halvings = torch.zeros(len(shares), dtype=torch.int64, device=shares.device)
    points, rest = placed(shares), placed(torch.zeros_like(shares))
    elsewhere = (points != rest).any(1)
    watched = torch.nonzero(elsewhere[cells.tets].any(1))[:, 0]
    allowed = torch.full((len(cells.tets),), math.cos(math.radians(least_deg)), dtype=points.dtype, device=points.device)
    at_rest = flattest(rest, cells.tets[watched])
    allowed[watched] = torch.maximum(allowed[watched], torch.cos(_OF_REST * torch.arccos(at_rest.clamp(-1, 1))))
    while True:
        bad = watched[flattest(points, cells.tets[watched]) > allowed[watched]]
        if not len(bad):
            return shares
        nodes = torch.unique(torch.cat([cells.tets[bad].reshape(-1), grid.tets[cells.parents[bad]].reshape(-1)]))
        halvings[nodes] += 1
        shares[nodes] = torch.where(halvings[nodes] > _HALVINGS, 0.0, 0.5 ** halvings[nodes].double()).to(shares)
        points = placed(shares)
        touched = torch.zeros(len(grid.points), dtype=torch.bool, device=points.device)
        touched[nodes[nodes < len(touched)]] = True
        watched = torch.nonzero(touched[grid.tets].any(1)[cells.parents])[:, 0]


def flattest(points: Tensor, tets: Tensor) -> Tensor:
    """Cosine of the smallest dihedral angle of each tetrahedron, (T,); 2 where one is turned over or has no volume."""
    return torch.cat([_flattest(points[part]) for part in tets.split(_CHUNK)]) if len(tets) else points.new_zeros(0)


def _flattest(corner: Tensor) -> Tensor:
    a, b, c, d = corner.unbind(1)
    normals = [_unit(torch.linalg.cross(v - u, w - u, dim=1)) for u, v, w in ((b, c, d), (a, d, c), (a, b, d), (a, c, b))]
    cosines = [-(normals[i] * normals[j]).sum(1) for i in range(4) for j in range(i + 1, 4)]
    volume = ((b - a) * torch.linalg.cross(c - a, d - a, dim=1)).sum(1)
    return torch.where(volume > 0, torch.stack(cosines).amax(0), 2.0)


def _unit(vectors: Tensor) -> Tensor:
    return vectors / vectors.norm(dim=1, keepdim=True).clamp(min=torch.finfo(vectors.dtype).tiny)
