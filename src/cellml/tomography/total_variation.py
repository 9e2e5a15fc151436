"""Reconstruction with total variation: among volumes that explain the projections, the one with the least surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.tomography import variation_kernels
from cellml.tomography.geometry import Rays
from cellml.tomography.line_integrals import backproject, project
from cellml.tomography.reconstruction import reconstruct
from cellml.tomography.sirt import normalisation
from cellml.types import TiltSeries, Volume


@dataclass(frozen=True)
class TotalVariation:
    """The method; `total_variation` is the plain function, which explains the numbers. halo: rows on both sides that a slab takes along."""

    weight: float = 0.02
    iterations: int = 50
    inner: int = 8
    nonnegative: bool = False
    halo: int = 8

    def __post_init__(self) -> None:
        if self.iterations < 1 or self.inner < 1 or self.halo < 0:
            raise CellmlError(
                f"Total variation needs at least 1 iteration, 1 inner step and a halo of 0 rows, got iterations={self.iterations}, "
                f"inner={self.inner}, halo={self.halo}."
            )
        if not 0 < self.weight < float("inf"):
            raise CellmlError(f"The weight of total variation must be a positive number, got {self.weight!r}; without it use SIRT.")

    def __call__(self, lines: Tensor, rays: Rays) -> Tensor:
        """Projections (N, width, K) to sections (Z, X, K); K are the neighbouring rows of one series."""
        by_ray, by_voxel = normalisation(rays, lines)
        rate = by_voxel[by_voxel > 0].min() if bool((by_voxel > 0).any()) else by_voxel.max()  # 1 / the largest column sum
        volume = torch.zeros(rays.depth, rays.breadth, lines.shape[2], dtype=lines.dtype, device=lines.device)
        ahead, dual, pace = volume, torch.zeros(3, *volume.shape, dtype=lines.dtype, device=lines.device), 1.0
        for _ in range(self.iterations):
            error = project(ahead, rays).neg_().add_(lines).mul_(by_ray)
            moved = backproject(error, rays).mul_(rate).add_(ahead)
            latest = denoised(moved, self.weight, dual, self.inner, self.nonnegative)
            faster = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
            ahead = torch.lerp(volume, latest, 1 + (pace - 1) / faster)
            volume, pace = latest, faster
        return volume


def denoised(noisy: Tensor, weight: float, dual: Tensor, iterations: int, nonnegative: bool = False) -> Tensor:
    """Argmin ½ ‖x - noisy‖² + weight · TV(x) for (Z, X, K), by fast gradient projection; `dual` (3, Z, X, K) is the start and is replaced.

    Beck and Teboulle, IEEE Trans. Image Process. 18, 2419 (2009); TV is isotropic, with forward differences and none across the border.
    """
    ahead, image, pace = dual.clone(), torch.empty_like(noisy), 1.0
    for _ in range(iterations):
        faster = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        _estimate(noisy, ahead, weight, nonnegative, image)
        _ascend(image, weight, ahead, dual, (pace - 1) / faster)
        pace = faster
    _estimate(noisy, dual, weight, nonnegative, image)
    return image


def _estimate(noisy: Tensor, dual: Tensor, weight: float, nonnegative: bool, target: Tensor) -> None:
    if noisy.device.type == "cpu":
        variation_kernels.estimate(noisy.numpy(), dual.numpy(), weight, nonnegative, target.numpy())
        return
    target.copy_(divergence(dual)).mul_(weight).add_(noisy)
    if nonnegative:
        target.clamp_(min=0)


def _ascend(image: Tensor, weight: float, ahead: Tensor, dual: Tensor, momentum: float) -> None:
    if image.device.type == "cpu":
        variation_kernels.ascend(image.numpy(), weight, ahead.numpy(), dual.numpy(), momentum)
        return
    latest = gradient(image).mul_(1 / (12 * weight)).add_(ahead)
    latest.div_(latest.norm(dim=0).clamp_(min=1))
    ahead.copy_(torch.lerp(dual, latest, 1 + momentum))
    dual.copy_(latest)


def gradient(volume: Tensor) -> Tensor:
    """Forward differences of (Z, X, K) along its axes, (3, Z, X, K), 0 at the far border."""
    result = torch.zeros(3, *volume.shape, dtype=volume.dtype, device=volume.device)
    result[0, :-1] = volume[1:] - volume[:-1]
    result[1, :, :-1] = volume[:, 1:] - volume[:, :-1]
    result[2, :, :, :-1] = volume[:, :, 1:] - volume[:, :, :-1]
    return result


def divergence(field: Tensor) -> Tensor:
    """Minus the transpose of `gradient`: (3, Z, X, K) to (Z, X, K)."""
    result = field.new_zeros(field.shape[1:])
    for axis in range(3):
        inner = field[axis].narrow(axis, 0, field.shape[axis + 1] - 1)
        result.narrow(axis, 0, inner.shape[axis]).add_(inner)
        result.narrow(axis, 1, inner.shape[axis]).sub_(inner)
    return result


def total_variation(
    series: TiltSeries,
    thickness: int,
    weight: float = 0.02,
    iterations: int = 50,
    inner: int = 8,
    nonnegative: bool = False,
    **options: Any,
) -> Volume:
    """Reconstruct with a penalty on total variation: argmin ‖A x - b‖²_R / (2 L) + weight · TV(x), by FISTA.

    R: inverse lengths of the rays within the volume, and L the largest number of tilts that meet a voxel, so that a step is one of SIRT
    followed by TV denoising with `weight`, in the unit of `cellml.tomography.reconstruction.value_unit`. Beck and Teboulle, SIAM J. Imaging
    Sci. 2, 183 (2009). thickness: voxels along z; inner: steps of each denoising, which starts where the last one ended; nonnegative: only
    values ≥ 0. TV couples rows, so slabs overlap by a halo. options: of `reconstruct`. Returns (Z, Y, X) float32. Raises CellmlError for
    numbers out of range and as `reconstruct` does.
    """
    return reconstruct(series, thickness, TotalVariation(weight, iterations, inner, nonnegative), **options)
