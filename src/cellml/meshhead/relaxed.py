"""Nodes are drawn back towards rest where a tetrahedron would be flat."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cellml.meshhead.cells import Cells
from cellml.meshhead.grid import BackgroundGrid

_HALVINGS = 5  # of the way from rest before it is given up
_OF_REST = 0.999  # of the angle at rest, which is asked for where it is below the limit
_CHUNK = 400_000


@torch.no_grad()
def relaxed_shares(
    grid: BackgroundGrid, cells: Cells, placed: Callable[[Tensor], Tensor], least_deg: float, least_facet_deg: float
) -> Tensor:
    """For each node the largest share 1, ½, ¼, …, or 0 of its way from rest with which every angle stays at or above its limit.

    At rest, where edges and facets are cut in their middle, the smallest dihedral angle on a grid of cubes is 18.4° (10.9° beside a wall),
    and so is that of facets (10.7°). Where a tetrahedron has a smaller one than the limit, or is turned over, its nodes and the vertices of
    the one that it is part of are drawn back; where all are at rest it is as good as there, so that this ends within the limits whatever
    the scores and displacements, on cubes; on a stretched grid, within what that allows at rest.
    placed: shares (N,) → nodes (N, 3) in nm; least_deg, least_facet_deg: limits of dihedral angles and of the angles of facets, in degrees.
    """
    shares = grid.points.new_ones(len(grid.points) + len(cells.edges) + len(cells.facets) + len(cells.insides))
    halvings = torch.zeros(len(shares), dtype=torch.int64, device=shares.device)
    points, rest = placed(shares), placed(torch.zeros_like(shares))
    movable = (points != rest).any(1)[cells.tets].any(1)  # the others are as they are at rest, whatever that is
    watched = torch.nonzero(movable)[:, 0]
    limits = torch.cos(torch.deg2rad(points.new_tensor([least_deg, least_facet_deg])))
    allowed = limits.expand(len(cells.tets), 2).clone()
    at_rest = torch.arccos(sharpest(rest, cells.tets[watched]).clamp(-1, 1))
    allowed[watched] = torch.maximum(allowed[watched], torch.cos(_OF_REST * at_rest))
    while True:
        bad = watched[(sharpest(points, cells.tets[watched]) > allowed[watched]).any(1)]
        if not len(bad):
            return shares
        nodes = torch.unique(torch.cat([cells.tets[bad].reshape(-1), grid.tets[cells.parents[bad]].reshape(-1)]))
        halvings[nodes] += 1
        shares[nodes] = torch.where(halvings[nodes] > _HALVINGS, 0.0, 0.5 ** halvings[nodes].double()).to(shares)
        points = placed(shares)
        touched = torch.zeros(len(grid.points), dtype=torch.bool, device=points.device)
        touched[nodes[nodes < len(touched)]] = True
        watched = torch.nonzero(movable & touched[grid.tets].any(1)[cells.parents])[:, 0]


def sharpest(points: Tensor, tets: Tensor) -> Tensor:
    """Cosines of the smallest dihedral angle and of the smallest angle of a facet of each tetrahedron, (T, 2); 2 where one is turned over
    or has no volume.
    """
    return torch.cat([_sharpest(points[part]) for part in tets.split(_CHUNK)]) if len(tets) else points.new_zeros(0, 2)


def _sharpest(corner: Tensor) -> Tensor:
    corners = corner.permute(1, 2, 0).contiguous()  # components first: sums over a last axis of three are many times slower
    a, b, c, d = corners
    normals = [_unit(torch.linalg.cross(v - u, w - u, dim=0)) for u, v, w in ((b, c, d), (a, d, c), (a, b, d), (a, c, b))]
    dihedral = [-(normals[i] * normals[j]).sum(0) for i in range(4) for j in range(i + 1, 4)]
    edges = {(i, j): _unit(corners[j] - corners[i]) for i in range(4) for j in range(i + 1, 4)}
    edges |= {(j, i): -edge for (i, j), edge in edges.items()}
    facet = [(edges[i, j] * edges[i, k]).sum(0) for i in range(4) for j in range(4) for k in range(j + 1, 4) if i not in (j, k)]
    volume = ((b - a) * torch.linalg.cross(c - a, d - a, dim=0)).sum(0)
    cosines = torch.stack([torch.stack(dihedral).amax(0), torch.stack(facet).amax(0)], dim=1)
    return torch.where(volume[:, None] > 0, cosines, 2.0)


def _unit(vectors: Tensor) -> Tensor:
    return vectors / vectors.square().sum(0).sqrt().clamp(min=torch.finfo(vectors.dtype).tiny)
