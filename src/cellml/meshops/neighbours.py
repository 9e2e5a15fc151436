"""The k nearest neighbours between clouds of points, with gradient through their distances and bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops import backend

# Numbers that one block of a table of distances may hold on a GPU: 64 Mi, 256 MB in float32.
_BLOCK = 2**26
# From this many coordinates on, a k-d tree looks at nearly every point (Weber et al. 1998), and comparing all pairs is faster.
_TREE_DIMENSIONS = 10


@dataclass(frozen=True, eq=False)
class Neighbours:
    """distance: (N, P, k), squared for norm 2, sum of absolute differences for norm 1, ascending; index: (N, P, k) rows of the other cloud.

    Both are 0 behind the points of shorter clouds, and where the other cloud has fewer than k points.
    """

    distance: Tensor
    index: Tensor


def nearest_neighbours(
    points: Tensor,
    among: Tensor,
    k: int = 1,
    *,
    point_counts: Sequence[int] | None = None,
    among_counts: Sequence[int] | None = None,
    norm: int = 2,
) -> Neighbours:
    """The k nearest points of `among` for each of `points`, by the Euclidean (norm 2) or the sum norm (norm 1).

    points: (N, P, D), among: (N, Q, D); counts: how many rows of each cloud are points, all if not given. The search runs without
    gradient (k-d trees on the CPU, in float64; blocks of distances on a GPU); distances of the pairs that it finds are differentiable.
    Raises CellmlError where shapes, counts or k do not fit, and where a coordinate is not finite.
    """
    _check(points, among, k, norm)
    p_counts = counts_of(point_counts, points, "points")
    q_counts = counts_of(among_counts, among, "points to choose from")
    with torch.no_grad():
        if backend.in_use() and backend.fits_on_gpu(points, among):
            sizes = [torch.tensor(counts, device=points.device) for counts in (p_counts, q_counts)]
            index = backend.nearest(points, among, k, sizes[0], sizes[1], norm)
        else:
            index = _searched(points, among, k, p_counts, q_counts, norm)
    batch = torch.arange(len(points), device=points.device)[:, None, None]
    difference = points[:, :, None] - among[batch, index] if among.shape[1] else points[:, :, None].expand(-1, -1, k, -1) * 0
    distance = difference.abs().sum(-1) if norm == 1 else difference.square().sum(-1)
    return Neighbours(torch.where(_known(p_counts, q_counts, points, k), distance, 0.0), index)


def counts_of(counts: Sequence[int] | None, clouds: Tensor, what: str) -> list[int]:
    """N numbers of points of padded clouds (N, P, …): those given, or all P. Raises CellmlError where they do not fit."""
    if counts is None:
        return [clouds.shape[1]] * len(clouds)
    numbers = [int(n) for n in counts]
    if len(numbers) != len(clouds) or any(not 0 <= n <= clouds.shape[1] for n in numbers):
        raise CellmlError(f"The {what} are padded clouds {tuple(clouds.shape)}, which cannot have {numbers} points.")
    return numbers


def _check(points: Tensor, among: Tensor, k: int, norm: int) -> None:
    if points.ndim != 3 or among.ndim != 3 or points.shape[0] != among.shape[0] or points.shape[2] != among.shape[2]:
        raise CellmlError(f"Clouds must be (N, P, D) and (N, Q, D), got {tuple(points.shape)} and {tuple(among.shape)}.")
    if k < 1 or norm not in (1, 2):
        raise CellmlError(f"Neighbours are the k ≥ 1 nearest by norm 1 or 2, got k={k}, norm={norm}.")
    for cloud, name in ((points, "first"), (among, "second")):
        if not torch.isfinite(cloud).all():
            bad = int((~torch.isfinite(cloud)).any(-1).sum())
            raise CellmlError(f"{bad} of {cloud.shape[0] * cloud.shape[1]} points of the {name} cloud are not finite numbers.")


def _known(p_counts: list[int], q_counts: list[int], points: Tensor, k: int) -> Tensor:
    rows = torch.arange(points.shape[1], device=points.device)[None, :, None]
    ranks = torch.arange(k, device=points.device)[None, None, :]
    sizes = [torch.tensor(counts, device=points.device)[:, None, None] for counts in (p_counts, q_counts)]
    return (rows < sizes[0]) & (ranks < sizes[1])


def _searched(points: Tensor, among: Tensor, k: int, p_counts: list[int], q_counts: list[int], norm: int) -> Tensor:
    index = torch.zeros(*points.shape[:2], k, dtype=torch.int64, device=points.device)
    by_tree = not points.is_cuda and points.shape[2] < _TREE_DIMENSIONS
    for n, (p, q) in enumerate(zip(p_counts, q_counts, strict=True)):
        if p and q:
            search = tree_search if by_tree else block_search
            index[n, :p, : min(k, q)] = search(points[n, :p], among[n, :q], min(k, q), norm)
    return index


def tree_search(points: Tensor, among: Tensor, k: int, norm: int = 2) -> Tensor:
    """Rows of the k ≤ Q nearest by a k-d tree (Maneewongvatana and Mount 1999) on the CPU, in float64: (P, D), (Q, D) → (P, k)."""
    from scipy.spatial import cKDTree

    tree = cKDTree(among.detach().double().numpy())
    _, index = tree.query(points.detach().double().numpy(), k=list(range(1, k + 1)), p=norm, workers=torch.get_num_threads())
    return torch.from_numpy(np.asarray(index, dtype=np.int64))


def block_search(points: Tensor, among: Tensor, k: int, norm: int = 2, block: int = _BLOCK) -> Tensor:
    """Rows of the k ≤ Q nearest by comparing all pairs, `block` distances at a time: (P, D), (Q, D) → (P, k).

    Distances are norms of differences, never |x|² + |y|² − 2xy, which at 10⁴ nm in float32 is wrong by more than 1 nm².
    """
    rows = max(1, block // max(1, len(among)))
    exact = "donot_use_mm_for_euclid_dist"
    parts = [
        torch.cdist(points[begin : begin + rows].detach(), among.detach(), p=norm, compute_mode=exact).topk(k, dim=1, largest=False).indices
        for begin in range(0, len(points), rows)
    ]
    return torch.cat(parts) if parts else torch.zeros(0, k, dtype=torch.int64, device=points.device)
