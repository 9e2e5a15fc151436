"""Line integrals through sections, and back, in torch: the weights of `cellml.tomography.kernels`, on any device.

Each ray, and each voxel, is the weighted sum of a bag of rows of length K, which is what `embedding_bag` computes. Both directions gather.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from cellml.tomography.geometry import SENSE, Rays

# Entries of all bags at a time: 16 bytes each.
_ENTRIES = 1 << 24


def project(volume: Tensor, rays: Rays) -> Tensor:
    """Line integrals of (Z, X, K) along all rays, (N, width, K)."""
    table = volume.reshape(rays.depth * rays.breadth, volume.shape[2])
    return torch.stack([_bags(table, *_along_ray(n, rays, volume.device)) for n in range(len(rays.cos))])


def backproject(projections: Tensor, rays: Rays) -> Tensor:
    """The transpose of `project`: (N, width, K) to (Z, X, K)."""
    tilts, width, columns = projections.shape
    table = projections.reshape(tilts * width, columns)
    layers = max(1, _ENTRIES // (2 * tilts * rays.breadth))
    parts = [_bags(table, *_through_voxel(z, min(z + layers, rays.depth), rays, table.device)) for z in range(0, rays.depth, layers)]
    return torch.cat(parts).reshape(rays.depth, rays.breadth, columns)


def sensitivities(volume: Tensor, projections: Tensor, rays: Rays) -> tuple[Tensor, Tensor]:
    """Derivatives of Σ projections · project(volume) by each tilt (a radian) and by each shift along u (a pixel), both (N,) float64."""
    found = [_sensitivity(volume, projections[n], n, rays) for n in range(len(rays.cos))]
    return SENSE * torch.stack([tilt for tilt, _ in found]), torch.stack([shift for _, shift in found])


def _bags(table: Tensor, index: Tensor, weights: Tensor) -> Tensor:
    return embedding_bag(index, table, per_sample_weights=weights.to(table.dtype), mode="sum")


def _inside(index: Tensor, weights: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Entries outside 0 … size - 1 keep a valid index and lose their weight."""
    return index.clamp(0, size - 1), torch.where((index >= 0) & (index < size), weights, torch.zeros_like(weights))


def _along_ray(n: int, rays: Rays, device: torch.device) -> tuple[Tensor, Tensor]:
    """Voxels and weights (width, 2 · steps) of every ray of tilt n, by steps along the axis that the rays are closer to."""
    cos, sin = float(rays.cos[n]), float(rays.sin[n])
    along_z = abs(cos) >= abs(sin)
    steps, across = (rays.depth, rays.breadth) if along_z else (rays.breadth, rays.depth)
    forward, sideways = (sin, cos) if along_z else (cos, sin)
    u = torch.arange(rays.width, dtype=torch.float64, device=device)[:, None]
    step = torch.arange(steps, device=device)[None]
    position = (u - float(rays.offset[n]) - step.double() * forward) / sideways
    low, part = position.floor().long(), position - position.floor()
    near, lower = _inside(low, (1 - part) / abs(sideways), across)
    far, upper = _inside(low + 1, part / abs(sideways), across)
    place = (lambda i: step * rays.breadth + i) if along_z else (lambda i: i * rays.breadth + step)
    return torch.cat([place(near), place(far)], 1), torch.cat([lower, upper], 1)


def _through_voxel(first: int, last: int, rays: Rays, device: torch.device) -> tuple[Tensor, Tensor]:
    """Pixels and weights (voxels, 2 · N) of the layers first … last - 1."""
    cos, sin, offset = (torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in (rays.cos, rays.sin, rays.offset))
    z = torch.arange(first, last, device=device)[:, None, None]
    x = torch.arange(rays.breadth, device=device)[None, :, None]
    position = (offset + x * cos + z * sin).reshape(-1, len(cos))
    low, part = position.floor().long(), position - position.floor()
    reach = torch.maximum(cos.abs(), sin.abs())
    near, lower = _inside(low, (reach - part).clamp(min=0) / reach**2, rays.width)
    far, upper = _inside(low + 1, (reach - 1 + part).clamp(min=0) / reach**2, rays.width)
    start = torch.arange(len(cos), device=device) * rays.width
    return torch.cat([start + near, start + far], 1), torch.cat([lower, upper], 1)


def _sensitivity(volume: Tensor, projection: Tensor, n: int, rays: Rays) -> tuple[Tensor, Tensor]:
    cos, sin = float(rays.cos[n]), float(rays.sin[n])
    z = torch.arange(rays.depth, dtype=torch.float64, device=volume.device)[:, None]
    x = torch.arange(rays.breadth, dtype=torch.float64, device=volume.device)[None]
    position = float(rays.offset[n]) + x * cos + z * sin
    moved = (z - (rays.depth - 1) / 2) * cos - (x - (rays.breadth - 1) / 2) * sin
    reach = max(abs(cos), abs(sin))
    widening = -np.copysign(1.0, cos) * sin if abs(cos) >= abs(sin) else np.copysign(1.0, sin) * cos
    by_tilt, by_shift = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for side in (0, 1):
        pixel = position.floor().long() + side
        distance = (pixel - position).abs()
        inside = (pixel >= 0) & (pixel < rays.width) & (distance < reach)
        both = (volume * projection[pixel.clamp(0, rays.width - 1)]).sum(2, dtype=torch.float64) * inside
        slope = (2 * side - 1) / reach**2
        by_shift = by_shift + (slope * both).sum().cpu()
        by_tilt = by_tilt + ((slope * moved + (2 * distance / reach - 1) / reach**2 * widening) * both).sum().cpu()
    return by_tilt, by_shift
