"""Which segment or triangle is closest to each point, and which point to each segment or triangle."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.meshops.closest import squared_distance

# Pairs of a point and a simplex compared at a time: about 60 numbers each, 0.5 GB in float64.
_BLOCK = 2**20


def nearest_simplex(points: Tensor, simplices: Tensor) -> Tensor:
    """Row of the closest segment or triangle for each point: points (P, 3), simplices (T, 2 or 3, 3) → (P,).

    On the CPU by a tree of boxes (libigl), in float64 about the mean corner; on a GPU by blocks of all pairs. P and T are at least 1.
    """
    if points.is_cuda:
        return nearest_simplex_by_blocks(points, simplices)
    centre = simplices.detach().double().mean((0, 1))
    p, s = points.detach().double() - centre, simplices.detach().double() - centre
    sound = _sound(s)
    index = torch.zeros(len(p), dtype=torch.int64)
    if sound.any():
        rows = torch.nonzero(sound).reshape(-1)
        index = rows[_by_boxes(p.numpy(), s[rows].numpy())]
    if not sound.all():  # libigl divides by the size of a triangle; those without area are compared one by one
        rows = torch.nonzero(~sound).reshape(-1)
        other = rows[nearest_simplex_by_blocks(p, s[rows])]
        nearer = squared_distance(p, s[other]) < squared_distance(p, s[index]) if sound.any() else torch.ones_like(other, dtype=torch.bool)
        index = torch.where(nearer, other, index)
    return index


def nearest_point(simplices: Tensor, points: Tensor) -> Tensor:
    """Row of the closest point for each segment or triangle: simplices (T, 2 or 3, 3), points (P, 3) → (T,).

    On the CPU a k-d tree bounds the choice: if the mean corner c, within r of all corners, has a point at distance d, then the closest
    point q of the simplex has |q − c| ≤ dist(q, simplex) + r ≤ d + r. On a GPU all pairs are compared, by blocks.
    """
    if points.is_cuda:
        return nearest_point_by_blocks(simplices, points)
    from scipy.spatial import cKDTree

    centre = points.detach().double().mean(0)
    p, s = points.detach().double() - centre, simplices.detach().double() - centre
    tree = cKDTree(p.numpy())
    middle = s.mean(1)
    reach = torch.linalg.vector_norm(s - middle[:, None], dim=2).amax(1)
    distance, _ = tree.query(middle.numpy())
    radius = (distance + reach.numpy()) * (1 + 1e-9) + 1e-300
    counts = np.asarray(tree.query_ball_point(middle.numpy(), radius, return_length=True))
    index = np.zeros(len(s), dtype=np.int64)
    for part in _portions(counts):
        found = tree.query_ball_point(middle[part].numpy(), radius[part])
        index[part] = _best_of(found, counts[part], s[part], p)
    return torch.from_numpy(index)


def nearest_simplex_by_blocks(points: Tensor, simplices: Tensor, block: int = _BLOCK) -> Tensor:
    """As `nearest_simplex`, comparing all pairs, `block` at a time."""
    return _all_pairs(points.detach(), simplices.detach(), block, by_point=True)


def nearest_point_by_blocks(simplices: Tensor, points: Tensor, block: int = _BLOCK) -> Tensor:
    """As `nearest_point`, comparing all pairs, `block` at a time."""
    return _all_pairs(points.detach(), simplices.detach(), block, by_point=False)


def _all_pairs(points: Tensor, simplices: Tensor, block: int, by_point: bool) -> Tensor:
    many, others = (len(points), len(simplices)) if by_point else (len(simplices), len(points))
    index = torch.zeros(many, dtype=torch.int64, device=points.device)
    best = points.new_full((many,), torch.inf)
    columns = min(others, block)
    rows = max(1, block // max(1, columns))
    for row in range(0, many, rows):
        i = torch.arange(row, min(row + rows, many), device=points.device)
        for column in range(0, others, columns):
            j = torch.arange(column, min(column + columns, others), device=points.device)
            pairs_i, pairs_j = i.repeat_interleave(len(j)), j.repeat(len(i))
            p, s = (pairs_i, pairs_j) if by_point else (pairs_j, pairs_i)
            value, where = squared_distance(points[p], simplices[s]).reshape(len(i), len(j)).min(1)
            index[i] = torch.where(value < best[i], j[where], index[i])
            best[i] = torch.minimum(value, best[i])
    return index


def _sound(simplices: Tensor) -> Tensor:
    """(T,) whether a segment has length, a triangle area."""
    sides = simplices[:, 1:] - simplices[:, :1]
    longest2 = sides.square().sum(-1).amax(1)
    if simplices.shape[1] == 2:
        return longest2 > 0
    return torch.linalg.vector_norm(torch.linalg.cross(sides[:, 0], sides[:, 1], dim=1), dim=1) > 1e-10 * longest2


def _by_boxes(points: NDArray[np.float64], simplices: NDArray[np.float64]) -> Tensor:
    import igl

    count, corners = simplices.shape[:2]
    found = igl.point_mesh_squared_distance(points, simplices.reshape(-1, 3), np.arange(count * corners).reshape(count, corners))
    return torch.from_numpy(np.asarray(found[1], dtype=np.int64).reshape(-1))


def _portions(counts: NDArray[np.int64]) -> list[slice]:
    """Runs of simplices with at most about a block of candidates together."""
    ends = np.searchsorted(counts.cumsum(), np.arange(_BLOCK, counts.sum() + _BLOCK, _BLOCK), side="right")
    bounds = np.unique(np.concatenate([[0], ends, [len(counts)]]))
    return [slice(int(a), int(b)) for a, b in pairwise(bounds)]


def _best_of(found: NDArray[np.object_], counts: NDArray[np.int64], simplices: Tensor, points: Tensor) -> NDArray[np.int64]:
    """The closest of each simplex' candidates, by lists of rows of points."""
    candidates = np.concatenate([np.asarray(rows, dtype=np.int64) for rows in found])
    owner = np.repeat(np.arange(len(counts)), counts)
    squared = squared_distance(points[candidates], simplices[owner]).numpy()
    order = np.lexsort((squared, owner))
    firsts = np.concatenate([[0], counts.cumsum()[:-1]])
    return np.asarray(candidates[order][firsts])
