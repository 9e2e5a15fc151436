"""Data consistency against the projections themselves: no grid of coefficients stands between what was recorded and the volume.

Central slices fall between the coefficients of a volume's grid, and where several overlap their sum counts twice what each measured. So
instead of copying coefficients, the residual of the recorded projections p is reconstructed and added: the minimiser of

    ‖A x − p‖² / σ² + Σ_k |F(x − x_inferred)(k)|² / S(k)

with S the power spectrum of the specimen. Where A is diagonal in Fourier space, as for tilts 90° apart, this returns the coefficients
with Wiener's weight n SNR / (1 + n SNR) of `cellml.tomography.consistency`; elsewhere it weighs overlapping and off-grid measurements as
least squares must (Tarantola 2005, Inverse Problem Theory, eq. 3.37; solved by conjugate gradients, Hestenes and Stiefel 1952).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.tomography.shell_snr import ShellSnr, tilt_shell_snr
from cellml.tomography.wedge import frequencies
from cellml.types import TiltSeries, Volume

if TYPE_CHECKING:
    from torch import Tensor

    from cellml.tomography.projector import ParallelProjector

_CLEAN = 1e3  # signal-to-noise ratio that stands for noise-free: the grid's own error is as large


def consistent_with_tilts(
    volume: Volume, series: TiltSeries, *, snr: ShellSnr | None = None, iterations: int = 15, shifts: NDArray[Any] | None = None
) -> Volume:
    """Return to an inferred volume what its tilt series measured.

    volume: (Z, Y, X) on the grey scale of a reconstruction (value × voxel projects to the series' values); series: (N, Y, W) with as many
    rows; snr: of one projection by frequency, estimated from the series where None; iterations: of conjugate gradients; shifts: (N, 2)
    pixels (v, u), as the projector takes them. Returns float32 in the volume's frame. Holds about ten volumes in memory. Raises
    CellmlError where rows disagree or a value is not finite.
    """
    import torch

    from cellml.tomography.projector import ParallelProjector

    if series.data.shape[1] != volume.shape[1]:
        raise CellmlError(f"{series.name!r} has {series.data.shape[1]} rows, {volume.name!r} {volume.shape[1]} along y; they must agree.")
    projector = ParallelProjector(series.tilts, volume.shape, width=series.data.shape[2], shifts=shifts)
    inferred = torch.from_numpy(np.array(volume.data, np.float32))
    recorded = torch.from_numpy(np.array(series.data, np.float32))
    if not bool(torch.isfinite(inferred).all() and torch.isfinite(recorded).all()):
        raise CellmlError(f"{volume.name!r} or {series.name!r} holds NaN or infinite values; nothing can be made consistent with them.")
    snr = tilt_shell_snr(series.data) if snr is None else snr
    data = (inferred + correction(inferred, recorded, projector, snr, iterations)).numpy()
    return Volume(data, volume.spacing, volume.origin, name=volume.name)


def correction(inferred: Tensor, recorded: Tensor, projector: ParallelProjector, snr: ShellSnr, iterations: int) -> Tensor:
    """What the recorded projections (N, Y, W) add to an inferred volume (Z, Y, X), of its device and precision."""
    ratio = _capped(projector.shape, snr)
    prior = _filter(np.sqrt(ratio / projector.shape[0]), inferred)
    tilts = projector.tilts.detach().cpu().numpy()
    nearly_inverse = _filter(1 / (1 + ratio * _density(projector.shape, tilts)), inferred)
    residual = prior(projector.adjoint(recorded - projector.forward(inferred)))
    return prior(
        _conjugate_gradients(lambda z: z + prior(projector.adjoint(projector.forward(prior(z)))), nearly_inverse, residual, iterations)
    )


def _capped(shape: tuple[int, int, int], snr: ShellSnr) -> NDArray[np.float32]:
    """Signal-to-noise ratio of a projection at each coefficient of rfftn's layout."""
    kz, ky, kx = frequencies(shape)
    return np.minimum(snr.at(np.sqrt(kz**2 + ky**2 + kx**2)), _CLEAN).astype(np.float32)


def _density(shape: tuple[int, int, int], tilts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Tilts that share a coefficient, (Z, 1, X // 2 + 1): all at the origin, fewer with the arc between neighbours, gaps smoothed over."""
    kz, _, kx = frequencies(shape)
    radius = np.hypot(kz * shape[0], kx * shape[2])
    step = np.deg2rad(np.ptp(tilts) / max(len(tilts) - 1, 1))
    return np.asarray(1 / (step * radius + 1 / len(tilts)), np.float32)


def _filter(transfer: NDArray[Any], like: Tensor) -> Callable[[Tensor], Tensor]:
    """Multiplication in Fourier space, of volumes of the shape, device and precision of one."""
    import torch

    factor = torch.from_numpy(transfer).to(like)
    return lambda data: torch.fft.irfftn(torch.fft.rfftn(data) * factor, s=like.shape)


def _conjugate_gradients(
    operator: Callable[[Tensor], Tensor], precondition: Callable[[Tensor], Tensor], right: Tensor, iterations: int
) -> Tensor:
    """Solve operator(z) = right, both maps symmetric and positive, from z = 0; stops early where the residual has vanished."""
    solution, residual = right * 0, right.clone()
    direction = precondition(residual)
    first = power = _dot(residual, direction)
    for _ in range(iterations):
        if power <= 1e-12 * first:
            break
        image = operator(direction)
        step = power / _dot(direction, image)
        solution += step * direction
        residual -= step * image
        image = precondition(residual)
        last, power = power, _dot(residual, image)
        direction = image + (power / last) * direction
    return solution


def _dot(a: Tensor, b: Tensor) -> float:
    return float((a.double() * b.double()).sum())
