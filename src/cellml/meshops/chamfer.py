"""How far two clouds of points are from each other, by their nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops.geometry import unit
from cellml.meshops.neighbours import counts_of, nearest_neighbours


@dataclass(frozen=True, eq=False)
class ChamferDistance:
    """distance: scalar, or (N,) per element; normals: likewise 1 − |cos| (or 1 − cos) of paired normals, None where none were given."""

    distance: Tensor
    normals: Tensor | None


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points (N, P, D) and what belongs to them: counts (N numbers, all P if None), normals (N, P, 3), weights (N, P) ≥ 0 of the points."""

    points: Tensor
    counts: Sequence[int] | None = None
    normals: Tensor | None = None
    weights: Tensor | None = None


def chamfer_distance(
    x: Tensor | Cloud,
    y: Tensor | Cloud,
    *,
    weights: Tensor | None = None,
    norm: int = 2,
    squared: bool = True,
    one_way: bool = False,
    signed_normals: bool = False,
    per_element: bool = False,
) -> ChamferDistance:
    """Chamfer distance: mean over x of the distance to the nearest y, plus mean over y of that to the nearest x.

    d(x, y) = Σᵢ wᵢ minⱼ ‖xᵢ − yⱼ‖² / Σᵢ wᵢ + Σⱼ wⱼ minᵢ ‖xᵢ − yⱼ‖² / Σⱼ wⱼ   (Fan et al. 2017, eq. 2; there sums, here means)

    x, y: (N, P, D) and (N, Q, D), or `Cloud`s where they differ in length, have normals or weighted points. squared=False takes lengths
    instead of squares (a distance in the points' unit); norm=1 the sum of absolute differences, which has no square. one_way leaves out
    y → x. weights: (N,) ≥ 0, weight of each pair of clouds in the mean over the batch; per_element returns all N, weighted, instead.
    Memory grows with P + Q: nothing holds all pairs. Raises CellmlError for clouds without points (give them weight 0, and they count
    as 0), negative weights, coordinates that are not finite, and shapes that do not fit.
    """
    first, second = (cloud if isinstance(cloud, Cloud) else Cloud(cloud) for cloud in (x, y))
    shares = _batch_weights(weights, first.points)
    _refuse_empty(first, second, shares)
    distance, angle = _directed(first, second, norm, squared, signed_normals)
    if not one_way:
        back, back_angle = _directed(second, first, norm, squared, signed_normals)
        distance, angle = distance + back, None if angle is None or back_angle is None else angle + back_angle
    total = shares.sum().clamp(min=torch.finfo(shares.dtype).tiny)
    results = [None if part is None else part * shares if per_element else (part * shares).sum() / total for part in (distance, angle)]
    assert results[0] is not None
    return ChamferDistance(results[0], results[1])


def _directed(x: Cloud, y: Cloud, norm: int, squared: bool, signed_normals: bool) -> tuple[Tensor, Tensor | None]:
    """Mean over each cloud of x, (N,), of the distance to the nearest y and of the angle between the normals there."""
    found = nearest_neighbours(x.points, y.points, point_counts=x.counts, among_counts=y.counts, norm=norm)
    distance = found.distance[..., 0]
    if norm == 2 and not squared:
        distance = _root(distance)
    shares = _point_weights(x)
    mean = (distance * shares).sum(1)
    if x.normals is None or y.normals is None:
        return mean, None
    nearest = torch.gather(y.normals, 1, found.index.expand(-1, -1, y.normals.shape[2]))
    cosine = (unit(x.normals) * unit(nearest)).sum(-1)
    return mean, ((1 - (cosine if signed_normals else cosine.abs())) * shares).sum(1)


def _root(square: Tensor) -> Tensor:
    """√s, with gradient 0 (not infinite) where points coincide."""
    return torch.where(square > 0, torch.where(square > 0, square, 1.0).sqrt(), 0.0)


def _point_weights(cloud: Cloud) -> Tensor:
    """(N, P), adding up to 1 over the points of each cloud, 0 behind them."""
    points = cloud.points
    sizes = torch.tensor(counts_of(cloud.counts, points, "points"), device=points.device)
    inside = (torch.arange(points.shape[1], device=points.device) < sizes[:, None]).to(points.dtype)
    if cloud.weights is None:
        return inside / inside.sum(1, keepdim=True).clamp(min=1)
    if cloud.weights.shape != points.shape[:2] or bool((cloud.weights < 0).any()) or not bool(torch.isfinite(cloud.weights).all()):
        raise CellmlError(f"Weights of points must be ≥ 0 and of shape {tuple(points.shape[:2])}, got {tuple(cloud.weights.shape)}.")
    weighted = inside * cloud.weights
    return weighted / weighted.sum(1, keepdim=True).clamp(min=torch.finfo(points.dtype).tiny)


def _batch_weights(weights: Tensor | None, points: Tensor) -> Tensor:
    if weights is None:
        return points.new_ones(len(points))
    if weights.shape != (len(points),) or bool((weights < 0).any()) or not bool(torch.isfinite(weights).all()):
        raise CellmlError(f"Weights of a batch of {len(points)} must be {len(points)} numbers ≥ 0, got {weights.tolist()}.")
    return weights.to(points)


def _refuse_empty(x: Cloud, y: Cloud, shares: Tensor) -> None:
    sizes = [counts_of(cloud.counts, cloud.points, "points") for cloud in (x, y)]
    empty = [n for n, (p, q) in enumerate(zip(*sizes, strict=False)) if not (p and q) and shares[n] > 0]
    if empty:
        pairs = ", ".join(f"{n} ({sizes[0][n]} and {sizes[1][n]} points)" for n in empty[:5])
        raise CellmlError(
            f"The distance to an empty cloud is not defined: element {pairs} of the batch. Leave it out, or give it the weight 0."
        )
