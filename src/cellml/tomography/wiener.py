"""Least squares with Wiener's weights: what was measured, as far as it rises above the noise, and nothing where no tilt measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.errors import CellmlError
from cellml.tomography.geometry import SENSE, Rays, centre
from cellml.tomography.shell_snr import tilt_shell_snr

if TYPE_CHECKING:
    from torch import Tensor

    from cellml.tomography.projector import ParallelProjector
    from cellml.types import TiltSeries, Volume


@dataclass(frozen=True)
class Wiener:
    """The method; `wiener` is the plain function, which explains the numbers. halo: rows on both sides that a slab takes along."""

    iterations: int = 15
    halo: int = 8

    def __post_init__(self) -> None:
        if self.iterations < 1 or self.halo < 0:
            raise CellmlError(
                f"Wiener's least squares need at least 1 iteration and a halo of 0 rows, got iterations={self.iterations}, "
                f"halo={self.halo}."
            )

    def __call__(self, lines: Tensor, rays: Rays) -> Tensor:
        """Projections (N, width, K) to sections (Z, X, K); K are the neighbouring rows of one series."""
        import torch

        from cellml.tomography.tilt_consistency import correction

        recorded = lines.permute(0, 2, 1).contiguous()
        projector = _projector(rays, rows=lines.shape[2])
        empty = torch.zeros(projector.shape, dtype=lines.dtype, device=lines.device)
        volume = correction(empty, recorded, projector, tilt_shell_snr(recorded.cpu().numpy()), self.iterations)
        return volume.permute(0, 2, 1).contiguous()


def _projector(rays: Rays, rows: int) -> ParallelProjector:
    """Of volumes (Z, rows, X) along given rays."""
    from cellml.tomography.projector import ParallelProjector

    straight = centre(rays.width) - centre(rays.breadth) * rays.cos - centre(rays.depth) * rays.sin
    shifts = np.stack([np.zeros_like(straight), rays.offset - straight], axis=1)
    tilts = np.rad2deg(np.arctan2(SENSE * rays.sin, rays.cos))
    return ParallelProjector(tilts, (rays.depth, rows, rays.breadth), width=rays.width, shifts=shifts)


def wiener(series: TiltSeries, thickness: int, iterations: int = 15, halo: int = 8, **options: Any) -> Volume:
    """The volume x that minimises ‖A x − p‖² / σ² + Σ_k |F x(k)|² / S(k), with S / σ² estimated from the series itself.

    It is `cellml.tomography.tilt_consistency` of an empty volume: each frequency is let through as far as the tilts that share it rise
    above their noise, so there is no number to choose. thickness: voxels along z; iterations: of conjugate gradients; halo: rows that a
    slab shares with its neighbours, each slab estimating its own S / σ²; options: of `reconstruct`. Returns (Z, Y, X) float32. Raises
    CellmlError for numbers out of range and as `reconstruct` does.
    """
    from cellml.tomography.reconstruction import reconstruct

    return reconstruct(series, thickness, Wiener(iterations, halo), **options)
