"""Parallel projection of volumes about one tilt axis, and its exact transpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.tomography.geometry import Rays, rays
from cellml.tomography.line_integrals import Backprojection, Projection


class ParallelProjector:
    """Line integrals of volumes (…, Z, Y, X) at N tilts, in units of value × voxel, and back.

    tilts: (N,) degrees; shape: voxels (Z, Y, X); width: detector pixels along u (X, where None), of which there are Y rows; shifts:
    (N, 2) pixels (v, u) by which each projection lies displaced on the detector; between rows it is interpolated linearly.

    `cellml.tomography.geometry` says which way tilts turn, `cellml.tomography.kernels` how integrals are discretised. Volumes of float32 or
    float64 on any device; tilts and shifts may be tensors that require gradients. Raises CellmlError for shapes, tilts and shifts that do
    not fit.
    """

    def __init__(self, tilts: Any, shape: Sequence[int], width: int | None = None, shifts: Any = None) -> None:
        if len(shape) != 3:
            raise CellmlError(f"A projector needs the shape (Z, Y, X) of its volumes, got {tuple(shape)}.")
        self.shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        self.tilts = torch.as_tensor(tilts).double().reshape(-1)
        count = len(self.tilts)
        self.shifts = torch.zeros(count, 2, dtype=torch.float64) if shifts is None else torch.as_tensor(shifts).double()
        if self.shifts.shape != (count, 2):
            raise CellmlError(f"{count} tilts need shifts of shape ({count}, 2), in pixels (v, u); got {tuple(self.shifts.shape)}.")
        self.rays: Rays = rays(
            self.tilts.detach().cpu().numpy(),
            depth=self.shape[0],
            breadth=self.shape[2],
            width=width,
            shift=self.shifts[:, 1].detach().cpu().numpy(),
        )
        self.projection_shape = (count, self.shape[1], self.rays.width)

    def forward(self, volume: Tensor) -> Tensor:
        """Project (…, Z, Y, X) to (…, N, Y, width)."""
        lead = self._lead(volume, self.shape, "(…, Z, Y, X)")
        depth, rows, breadth = self.shape
        columns = volume.reshape(-1, *self.shape).permute(1, 3, 0, 2).reshape(depth, breadth, -1)
        lines = Projection.apply(columns.contiguous(), self.tilts, self.shifts[:, 1], self.rays)
        count, _, width = self.projection_shape
        lines = self._moved(lines.reshape(count, width, -1, rows), 1.0)
        return lines.permute(2, 0, 3, 1).reshape(*lead, *self.projection_shape)

    def adjoint(self, projections: Tensor) -> Tensor:
        """Back-project (…, N, Y, width) to (…, Z, Y, X): the transpose of `forward`."""
        lead = self._lead(projections, self.projection_shape, "(…, N, Y, width)")
        count, rows, width = self.projection_shape
        lines = projections.reshape(-1, *self.projection_shape).permute(1, 3, 0, 2)
        lines = self._moved(lines, -1.0).reshape(count, width, -1)
        columns = Backprojection.apply(lines.contiguous(), self.tilts, self.shifts[:, 1], self.rays)
        depth, _, breadth = self.shape
        return columns.reshape(depth, breadth, -1, rows).permute(2, 0, 3, 1).reshape(*lead, *self.shape)

    def _lead(self, array: Tensor, expected: tuple[int, int, int], axes: str) -> tuple[int, ...]:
        if array.ndim < 3 or tuple(array.shape[-3:]) != expected:
            raise CellmlError(f"This projector takes {axes} with the last lengths {expected}; got {tuple(array.shape)}.")
        if array.dtype not in (torch.float32, torch.float64):
            raise CellmlError(f"The projector computes in float32 or float64, not {array.dtype}; convert the array first.")
        return tuple(array.shape[:-3])

    def _moved(self, lines: Tensor, sign: float) -> Tensor:
        """(N, width, B, Y) displaced along Y by sign times the shifts, linearly interpolated, zero from outside.

        Moving back is the transpose of moving forth, for a hat is even: w(target - source - shift) = w(source - target + shift).
        """
        amounts = sign * self.shifts[:, 0]
        if not amounts.requires_grad and not amounts.any():
            return lines
        return torch.stack([_shifted(line, amount) for line, amount in zip(lines, amounts, strict=True)])


def _shifted(line: Tensor, amount: Tensor) -> Tensor:
    whole = int(torch.floor(amount.detach()))
    part = (amount - whole).to(line)
    return (1 - part) * _rolled(line, whole) + part * _rolled(line, whole + 1)


def _rolled(line: Tensor, rows: int) -> Tensor:
    """The last axis displaced by whole rows, zero from outside."""
    size = line.shape[-1]
    if abs(rows) >= size:
        return torch.zeros_like(line)
    kept = line[..., max(0, -rows) : size - max(0, rows)]
    return torch.nn.functional.pad(kept, (max(0, rows), max(0, -rows)))
