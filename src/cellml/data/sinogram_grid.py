"""Sinograms over the half turn: the tilts that were measured at both ends, the missing ones between them.

A projection at t + 180° is the one at t mirrored, so that a sinogram goes on from its last tilt to its first one. The grid begins in the
middle of the measured range: the missing wedge is then a gap between measured rows, with context on both sides (Ding et al. 2019,
doi:10.1038/s41598-019-49267-x, figure 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellml.errors import CellmlError


@dataclass(frozen=True, eq=False)
class SinogramGrid:
    """The rows of a sinogram.

    tilts: (M,) degrees, from the middle of the measured range over 180°; source: (M,) number of the measured tilt in its series, −1 where
    there is none; mirrored: (M,) whether that one is the mirror image, 180° away.
    """

    tilts: NDArray[np.float64]
    source: NDArray[np.int64]
    mirrored: NDArray[np.bool_]

    @property
    def measured(self) -> NDArray[np.bool_]:
        """(M,) rows that hold a measured projection."""
        return np.asarray(self.source >= 0)

    def place(self, series: NDArray[Any]) -> NDArray[np.float32]:
        """Projections (N, Y, W) in the series' order → sinograms (Y, M, W) float32, 0 where nothing was measured."""
        rows = np.zeros((len(self.tilts), *series.shape[1:]), np.float32)
        rows[self.measured] = series[self.source[self.measured]]
        rows[self.mirrored] = rows[self.mirrored][..., ::-1]
        return np.ascontiguousarray(rows.transpose(1, 0, 2))


def sinogram_grid(tilts: ArrayLike) -> SinogramGrid:
    """The grid of measured tilts (N,) in degrees, evenly spaced within a fifth of a step and at most 180° apart.

    Raises CellmlError for other tilts, and for those that already cover the half turn.
    """
    given = np.asarray(tilts, np.float64).reshape(-1)
    order = np.argsort(given)
    angles = given[order]
    step = float(np.median(np.diff(angles))) if len(angles) > 2 else 0.0
    if step <= 0 or np.abs(angles - angles[0] - step * np.arange(len(angles))).max() > 0.2 * step:
        raise CellmlError(
            f"Filling a sinogram needs at least three evenly spaced tilts; these {len(angles)} from {given.min():g}° to {given.max():g}° "
            "are not. Leave uneven ones out, or repair the reconstructed volume instead."
        )
    whole = round(180 / step)
    if len(angles) >= whole:
        raise CellmlError(f"{len(angles)} tilts in steps of {step:g}° cover the half turn: there is no wedge to fill.")
    first = len(angles) // 2
    number = first + np.arange(whole)
    mirrored = number >= whole
    index = np.where(mirrored, number - whole, number)
    measured = index < len(angles)
    source = np.where(measured, order[np.minimum(index, len(angles) - 1)], -1)
    exact = angles[np.minimum(index, len(angles) - 1)] + np.where(mirrored, 180.0, 0.0)
    return SinogramGrid(np.where(measured, exact, angles[0] + 180.0 / whole * number), source, mirrored & measured)
