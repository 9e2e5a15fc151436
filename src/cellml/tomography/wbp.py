"""Weighted back-projection: filter each projection, then smear it back along its rays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cellml.tomography.filters import Filter, Ramp
from cellml.tomography.geometry import Rays

if TYPE_CHECKING:
    from torch import Tensor

    from cellml.types import TiltSeries, Volume


@dataclass(frozen=True)
class WeightedBackprojection:
    """The method; `wbp` is the plain function. filter: of `cellml.tomography.filters`. Rows are independent, so it needs no halo."""

    filter: Filter = field(default_factory=Ramp)
    halo: ClassVar[int] = 0

    def __call__(self, lines: Tensor, rays: Rays) -> Tensor:
        """Projections (N, width, K) to sections (Z, X, K)."""
        from cellml.tomography.line_integrals import backproject

        return backproject(filtered(lines, rays, self.filter), rays)


def filtered(lines: Tensor, rays: Rays, filter: Filter) -> Tensor:
    """Projections (N, width, K) with the weights of a filter along u.

    They are continued to at least twice their width, from the last pixel in a straight line to the first one: filtering is circular, and a
    specimen that goes on beyond the image would otherwise end in a step there. Where it ends inside, that is padding by zeros.
    """
    from scipy.fft import next_fast_len

    size = next_fast_len(2 * lines.shape[1], real=True)
    size += size % 2
    weights = filter.response(np.arange(size // 2 + 1) / size, rays)
    return _on_processor(lines, weights, size) if lines.device.type == "cpu" else _in_torch(lines, weights, size)


def _on_processor(lines: Tensor, weights: NDArray[np.float64], size: int) -> Tensor:
    """Tilt by tilt on plain threads, without those that torch would start for each of its small steps."""
    import torch
    from scipy.fft import irfft, rfft

    from cellml.pixels.threads import in_parallel

    source, result = lines.numpy(), torch.empty_like(lines)
    target, width = result.numpy(), lines.shape[1]
    between = ((np.arange(1, size - width + 1) / (size - width + 1))[None]).astype(source.dtype)

    def work(n: int) -> None:
        line = np.ascontiguousarray(source[n].T)
        padded = np.concatenate([line, line[:, -1:] + between * (line[:, :1] - line[:, -1:])], axis=1)
        target[n] = irfft(rfft(padded, axis=1) * weights[n].astype(source.dtype), n=size, axis=1)[:, :width].T

    in_parallel(work, range(len(source)))
    return result


def _in_torch(lines: Tensor, weights: NDArray[np.float64], size: int) -> Tensor:
    import torch

    width = lines.shape[1]
    between = torch.arange(1, size - width + 1, device=lines.device, dtype=lines.dtype)[:, None] / (size - width + 1)
    result, response = torch.empty_like(lines), torch.from_numpy(weights).to(lines)
    for n, line in enumerate(lines):
        padded = torch.cat([line, line[-1] + between * (line[0] - line[-1])])
        result[n] = torch.fft.irfft(torch.fft.rfft(padded, dim=0) * response[n, :, None], n=size, dim=0)[:width]
    return result


def wbp(series: TiltSeries, thickness: int, filter: Filter | None = None, **options: Any) -> Volume:
    """Reconstruct by weighted back-projection.

    thickness: voxels along z; filter: of `cellml.tomography.filters` (Ramp, where None); options: of `reconstruct`. Returns (Z, Y, X)
    float32 in value per voxel with cubic voxels of the series' pixel. Raises CellmlError as `reconstruct` does.
    """
    from cellml.tomography.reconstruction import reconstruct

    return reconstruct(series, thickness, WeightedBackprojection(filter or Ramp()), **options)
