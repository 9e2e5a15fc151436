"""Re-projection error at held-out tilts: a score for real data, which have no truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import TiltSeries, Volume

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReprojectionError:
    """relative: ‖q̂ − q‖ / ‖q − q̄‖ over all held-out projections q (0 perfect, 1 no better than their mean); correlation of q̂ and q;
    each: relative error at each held-out tilt, against the same pooled spread.
    """

    relative: float
    correlation: float
    each: tuple[float, ...]


def reprojection_error(volume: Volume, held_out: TiltSeries) -> ReprojectionError:
    """Project a reconstruction at tilts it was not made from and compare with what was recorded there.

    The grey scale of the volume is free: q̂ = a A x + b A 1, gain and offset by least squares over all held-out projections at once, A
    the projector. Detector columns beyond the volume's shadow take part: what lies outside the volume is missing from it. Raises
    CellmlError where the rows of the volume and of the projections disagree.
    """
    if held_out.data.shape[1] != volume.shape[1]:
        raise CellmlError(
            f"The held-out projections have {held_out.data.shape[1]} rows, the volume {volume.shape[1]} along y; crop or bin one of them."
        )
    return compare_projections(*_projected(volume, held_out), held_out.data.astype(np.float64))


def compare_projections(image: Floats, ones: Floats, recorded: Floats) -> ReprojectionError:
    """The error of a · image + b · ones, fitted to what was recorded; all (N, Y, X)."""
    design = np.stack([image.ravel(), ones.ravel()], axis=1)
    fitted = (design @ np.linalg.lstsq(design, recorded.ravel(), rcond=None)[0]).reshape(recorded.shape)
    spread = float(((recorded - recorded.mean()) ** 2).sum())
    if not spread > 0:
        raise CellmlError("The held-out projections are constant: there is nothing to compare with.")
    squares = ((fitted - recorded) ** 2).sum(axis=(1, 2))
    each = np.sqrt(squares * len(recorded) / spread)
    flat = fitted.std() == 0
    correlation = 0.0 if flat else float(np.corrcoef(fitted.ravel(), recorded.ravel())[0, 1])
    return ReprojectionError(float(np.sqrt(squares.sum() / spread)), correlation, tuple(float(e) for e in each))


def _projected(volume: Volume, held_out: TiltSeries) -> tuple[Floats, Floats]:
    """Projections of the volume and of ones of its size at the held-out tilts, (N, Y, W) each."""
    import torch

    from cellml.tomography.projector import ParallelProjector

    shape, width = volume.shape, held_out.data.shape[2]
    image = torch.from_numpy(np.asarray(volume.data, np.float32))
    line = torch.ones((shape[0], 1, shape[2]))  # all rows of a volume of ones project alike
    projector = ParallelProjector(held_out.tilts, shape, width=width)
    thin = ParallelProjector(held_out.tilts, (shape[0], 1, shape[2]), width=width)
    projected = projector.forward(image).numpy().astype(np.float64)
    return projected, np.broadcast_to(thin.forward(line).numpy().astype(np.float64), projected.shape)
