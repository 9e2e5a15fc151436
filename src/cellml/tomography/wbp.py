"""Weighted back-projection: filter each projection, then smear it back along its rays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.tomography.filters import Filter, Ramp
from cellml.tomography.geometry import Rays

if TYPE_CHECKING:
    from torch import Tensor

    from cellml.types import TiltSeries, Volume


@dataclass(frozen=True)
class WeightedBackprojection:
    """The method; `wbp` is the plain function. filter: of `cellml.tomography.filters`. Rows are independent, so it needs no halo."""

    filter: Filter = field(default_factory=Ramp)
    halo: int = 0

    def __call__(self, lines: Tensor, rays: Rays) -> Tensor:
        """Projections (N, width, K) to sections (Z, X, K)."""
        from cellml.tomography.line_integrals import backproject

        return backproject(filtered(lines, rays, self.filter), rays)


def filtered(lines: Tensor, rays: Rays, filter: Filter) -> Tensor:
    """Projections (N, width, K) with the weights of a filter along u.

    They are continued to at least twice their width, from the last pixel in a straight line to the first one: filtering is circular, and a
    specimen that goes on beyond the image would otherwise end in a step there. Where it ends inside, that is padding by zeros.
    """
    import torch
    from scipy.fft import next_fast_len

    tilts, width, columns = lines.shape
    size = next_fast_len(2 * width, real=True)
    size += size % 2
    weights = torch.from_numpy(filter.response(np.arange(size // 2 + 1) / size, rays)).to(lines)
    between = torch.arange(1, size - width + 1, device=lines.device, dtype=lines.dtype)[:, None] / (size - width + 1)
    result = torch.empty_like(lines)
    for n in range(tilts):
        line = lines[n]
        padded = torch.cat([line, line[-1] + between * (line[0] - line[-1])])
        spectrum = torch.fft.rfft(padded.T.contiguous()) * weights[n]
        result[n] = torch.fft.irfft(spectrum, n=size)[:, :width].T
    return result


def wbp(series: TiltSeries, thickness: int, filter: Filter | None = None, **options: Any) -> Volume:
    """Reconstruct by weighted back-projection.

    thickness: voxels along z; filter: of `cellml.tomography.filters` (Ramp, where None); options: of `reconstruct`. Returns (Z, Y, X)
    float32 in value per voxel with cubic voxels of the series' pixel. Raises CellmlError as `reconstruct` does.
    """
    from cellml.tomography.reconstruction import reconstruct

    return reconstruct(series, thickness, WeightedBackprojection(filter or Ramp()), **options)
