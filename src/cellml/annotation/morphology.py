"""Masks made smoother: opening and closing by balls in nm, holes filled.

A ball of radius r is applied by the Euclidean distance to the other side, so that thick sections are no obstacle: erosion keeps what lies
farther than r from any voxel outside, dilation takes what lies within r of a voxel inside. Nothing is eroded from the border of the image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cellml.annotation.recipe import Stage, Step
from cellml.errors import CellmlError
from cellml.types import Triple


def eroded(mask: NDArray[np.bool_], radius_nm: float, spacing: Triple) -> NDArray[np.bool_]:
    """What lies farther than radius_nm from any voxel outside the mask (Z, Y, X)."""
    from scipy.ndimage import distance_transform_edt

    if mask.all():
        return mask.copy()
    return np.asarray(distance_transform_edt(mask, sampling=spacing) > radius_nm)


def dilated(mask: NDArray[np.bool_], radius_nm: float, spacing: Triple) -> NDArray[np.bool_]:
    """What lies within radius_nm of a voxel of the mask (Z, Y, X)."""
    return ~eroded(~mask, radius_nm, spacing) if mask.any() else mask.copy()


def _require_positive(value: float, what: str) -> None:
    if not value > 0:
        raise CellmlError(f"{what}={value}: give a length above 0.")


@dataclass(frozen=True)
class Opening(Step):
    """Erosion, then dilation: what a ball of radius_nm does not fit into is lost."""

    radius_nm: float = 20.0

    def __post_init__(self) -> None:
        _require_positive(self.radius_nm, "radius_nm")

    def __call__(self, stage: Stage) -> Stage:
        """Open the mask."""
        mask = stage.require_mask("Opening")
        return replace(stage, mask=dilated(eroded(mask, self.radius_nm, stage.spacing), self.radius_nm, stage.spacing) & mask)


@dataclass(frozen=True)
class Closing(Step):
    """Dilation, then erosion: gaps that a ball of radius_nm does not fit into are closed."""

    radius_nm: float = 20.0

    def __post_init__(self) -> None:
        _require_positive(self.radius_nm, "radius_nm")

    def __call__(self, stage: Stage) -> Stage:
        """Close the mask."""
        mask = stage.require_mask("Closing")
        return replace(stage, mask=eroded(dilated(mask, self.radius_nm, stage.spacing), self.radius_nm, stage.spacing) | mask)


@dataclass(frozen=True)
class FillHoles(Step):
    """Holes that the mask encloses within a section are filled, up to max_nm2 each; None: of any size."""

    max_nm2: float | None = None

    def __call__(self, stage: Stage) -> Stage:
        """Fill holes of the mask, section by section."""
        from scipy.ndimage import label

        mask = stage.require_mask("Filling holes").copy()
        pixel = stage.spacing[1] * stage.spacing[2]
        for section in mask:
            numbers, _ = label(~section)
            fill = np.bincount(numbers.ravel()) * pixel <= (np.inf if self.max_nm2 is None else self.max_nm2)
            fill[np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1], [0]])] = False
            section |= fill[numbers]
        return replace(stage, mask=mask)
