"""An inferred volume on the grey scale of its tilt series, with what the projections recorded returned to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.tomography.tilt_consistency import consistent_with_tilts
from cellml.types import TiltSeries, Volume

if TYPE_CHECKING:
    from cellml.tomography.projector import ParallelProjector


def tilts_returned(answer: Volume, series: TiltSeries, *, consistency: bool = True, iterations: int = 10) -> Volume:
    """An answer of any grey scale (Z, Y, X) → the volume that projects to a series (N, Y, W), axis along Y, less a common background.

    consistency: whether projections return by least squares (`consistent_with_tilts`, of so many iterations); otherwise the grey scale
    alone is fitted (`grey_scale`). Returns float32 in the answer's frame, in value of the series per voxel. Raises CellmlError as those do.
    """
    gain, offset, background = grey_scale(answer, series)
    scaled = replace(answer, data=np.asarray(answer.data * np.float32(gain) + np.float32(offset), np.float32))
    if not consistency:
        return scaled
    recorded = np.asarray(series.data, np.float32) - np.float32(background)
    return consistent_with_tilts(scaled, replace(series, data=recorded), iterations=iterations)


def grey_scale(answer: Volume, series: TiltSeries) -> tuple[float, float, float]:
    """Gain, offset and background by least squares: p ≈ A (gain x + offset) + background, one number each for all projections p.

    The background is what no volume of the camera's width explains, as where the mean of all projections was taken off: around a specimen
    in vacuum the offset then still makes the volume 0. Raises CellmlError where rows disagree.
    """
    from cellml.tomography.projector import ParallelProjector

    if series.data.shape[1] != answer.shape[1]:
        raise CellmlError(f"{series.name!r} has {series.data.shape[1]} rows, {answer.name!r} {answer.shape[1]} along y; they must agree.")
    projector = ParallelProjector(series.tilts, answer.shape, width=series.data.shape[2])
    recorded = np.asarray(series.data, np.float64).ravel()
    modes = np.stack([_projected(projector, answer.data), _projected(projector, np.ones(answer.shape)), np.ones(recorded.size)])
    gain, offset, background = np.linalg.lstsq(modes @ modes.T, modes @ recorded, rcond=None)[0]
    return float(gain), float(offset), float(background)


def _projected(projector: ParallelProjector, data: NDArray[np.floating]) -> NDArray[np.float64]:
    """All values of the projections of a volume, one after the other."""
    import torch

    lines = projector.forward(torch.from_numpy(np.ascontiguousarray(data, np.float32)))
    return np.asarray(lines.numpy().ravel(), np.float64)


def levelled(series: TiltSeries) -> TiltSeries:
    """The series as float32 with the mean of each projection taken off.

    Microscopes leave the mean open, and a slab that goes on beyond the camera gets brighter with the tilt, which no volume of the camera's
    width can explain.
    """
    data = np.array(series.data, np.float32)
    data -= data.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(np.float32)
    return replace(series, data=data)
