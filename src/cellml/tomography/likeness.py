"""Whether a volume and a tilt series show the same specimen the same way round."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import ContractError
from cellml.types import TiltSeries, Volume

# Reconstructions of tissue have 0.9 in common with their own series, noise included; those turned over or of other tissue -0.2 to 0.2.
_LEAST = 0.25
_MIRRORED = 0.02  # by which a mirror image is more alike: specimens of little depth look nearly the same at both signs
_MOST_TILTS = 15  # projections that are compared, spread over the range


def require_likeness(volume: Volume, series: TiltSeries) -> None:
    """Raise ContractError unless a volume (Z, Y, X) projects to something like a series (N, Y, W), its axis along Y.

    A mirrored volume, or angles of the other sign, is told by being more alike at the negative tilts.
    """
    chosen = np.unique(np.linspace(0, len(series.tilts) - 1, _MOST_TILTS).round().astype(int))
    recorded, tilts = np.asarray(series.data[np.argsort(series.tilts)[chosen]], np.float32), np.sort(series.tilts)[chosen]
    same, mirrored = (likeness(volume.data, recorded, angles) for angles in (tilts, -tilts))
    if mirrored > max(same + _MIRRORED, _LEAST):
        raise ContractError(
            f"{volume.name} seems to be the mirror image of what {series.name} recorded: its projections are alike by {same:.2f}, at "
            f"negative tilts by {mirrored:.2f}. Give the angles the other sign, or turn the volume over along z."
        )
    if same < _LEAST:
        reason = "its contrast is reversed" if same < -_LEAST else "it shows another specimen, or lies otherwise"
        raise ContractError(
            f"{volume.name} does not project to what {series.name} recorded (correlation {same:.2f}, at least {_LEAST:g}): {reason}. "
            "Name the series that the volume was reconstructed from, aligned as it was then, or leave tilts= out."
        )


def likeness(data: NDArray[np.floating], recorded: NDArray[np.float32], tilts: NDArray[np.float64]) -> float:
    """Correlation of the projections of a volume (Z, Y, X) at tilts (N,) with recorded ones (N, Y, W), each one's mean taken off."""
    import torch

    from cellml.tomography.projector import ParallelProjector

    projector = ParallelProjector(tilts, data.shape, width=recorded.shape[2])
    ours = projector.forward(torch.from_numpy(np.ascontiguousarray(data, np.float32))).numpy()
    a, b = (np.asarray(v - v.mean(axis=(1, 2), keepdims=True), np.float64).ravel() for v in (ours, recorded))
    return float(a @ b) / max(float(np.sqrt((a @ a) * (b @ b))), 1e-30)
