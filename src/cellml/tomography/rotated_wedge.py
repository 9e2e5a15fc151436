"""Which Fourier coefficients of a block in a rotated frame were measured, as soft masks in torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cellml.errors import CellmlError
from cellml.tomography.geometry import SENSE

if TYPE_CHECKING:
    from torch import Tensor


def checked_range(tilts: Sequence[float]) -> tuple[float, float]:
    """(first, last) tilt in degrees, increasing. Raises CellmlError for a range that is empty or holds all directions."""
    values = [float(t) for t in tilts]
    if len(values) != 2 or not np.isfinite(values).all() or not 0 < abs(values[1] - values[0]) < 180:
        raise CellmlError(f"A tilt range needs a first and a last tilt less than 180° apart, such as [-60, 60]; got {list(tilts)}.")
    return min(values), max(values)


def rotated_sampled(rotations: Tensor, size: int, tilts: Sequence[float], edge: float = 1.0) -> Tensor:
    """Which coefficients of a cube lie between the first and the last tilt, in the cube's own rotated frame.

    rotations: (B, 3, 3) on (z, y, x), as in `cellml.tomography.rotation`; size: voxels along each side; edge: Fourier samples of the cube
    over which the mask goes from 0 to 1, centred on the central slice of the last tilt. The coefficient k of the rotated cube is the
    volume's R k, which was measured where the direction of its (k_x, k_z) is a tilt of the range (see `cellml.tomography.geometry`).
    Returns (B, 1, size, size, size // 2 + 1) float32 in the layout of rfftn; 1 on the tilt axis.
    """
    import torch

    low, high = np.deg2rad(checked_range(tilts))
    kz = torch.fft.fftfreq(size, 1 / size, device=rotations.device)
    kx = torch.fft.rfftfreq(size, 1 / size, device=rotations.device)
    k = torch.stack(torch.meshgrid(kz, kz, kx, indexing="ij"), dim=-1)
    lab = torch.einsum("bij,zyxj->bizyx", rotations.to(k.dtype), k)
    along, up = lab[:, 2], SENSE * lab[:, 0]
    inside = torch.remainder(torch.atan2(up, along) - low, np.pi) <= high - low
    distance = torch.minimum((up * np.cos(low) - along * np.sin(low)).abs(), (up * np.cos(high) - along * np.sin(high)).abs())
    signed = torch.where(inside, distance, -distance)
    beside_axis = 1 - torch.hypot(up, along)  # every tilt measures k_y
    return torch.maximum((0.5 + signed / max(edge, 1e-6)).clamp(0, 1), beside_axis)[:, None]


def without_wedge(images: Tensor, tilts: Sequence[float], edge: float = 1.0) -> Tensor:
    """Cubes (B, 1, n, n, n) with what lies between the last and the first tilt of the upright frame set to 0."""
    import torch

    axes, size = (-3, -2, -1), images.shape[-1]
    mask = rotated_sampled(torch.eye(3, device=images.device)[None], size, tilts, edge)
    return torch.fft.irfftn(torch.fft.rfftn(images.float(), dim=axes) * mask, s=tuple(images.shape[-3:]), dim=axes)
