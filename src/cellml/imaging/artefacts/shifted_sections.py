"""Sections that do not lie above one another: jitter, and drift that adds up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.imaging.artefacts.random import RandomArtefact, Range, number_range
from cellml.imaging.frame import Frame, require_image


@dataclass(frozen=True)
class ShiftedSections:
    """shifts_nm: displacement (y, x) of each section in nm; ignore: label of what comes in from outside, none to repeat the border."""

    shifts_nm: tuple[tuple[float, float], ...]
    ignore: int | None = None

    @classmethod
    def drawn(
        cls, sections: int, jitter_nm: float, drift_nm: float, rng: np.random.Generator, ignore: int | None = None
    ) -> ShiftedSections:
        """Normal displacements of spread `jitter_nm`, plus a random walk with steps of `drift_nm`, along y and x; their mean is removed."""
        shifts = jitter_nm * rng.standard_normal((sections, 2)) + np.cumsum(drift_nm * rng.standard_normal((sections, 2)), axis=0)
        shifts -= shifts.mean(axis=0)
        return cls(tuple((float(y), float(x)) for y, x in shifts), ignore)

    def voxels(self, frame: Frame) -> NDArray[np.int64]:
        """(Z, 2) whole voxels along (y, x): rounded, so that image and labels move alike."""
        return np.round(np.asarray(self.shifts_nm, float).reshape(-1, 2) / np.asarray(frame.spacing[1:])).astype(np.int64)


def shift_sections(image: NDArray[Any], shifts: ShiftedSections, frame: Frame) -> NDArray[np.float32]:
    """Every section of the image (…, Z, Y, X) displaced by whole voxels; what comes in from outside repeats the border."""
    return np.asarray(_shifted(require_image(image, "Shifted sections"), shifts, frame), np.float32)


def shift_labels(labels: NDArray[Any], shifts: ShiftedSections, frame: Frame) -> NDArray[Any]:
    """Labels (…, Z, Y, X) displaced with the image; what comes in from outside is `ignore`, or repeats the border."""
    moved = _shifted(labels, shifts, frame)
    if shifts.ignore is not None:
        moved[..., _outside(shifts, frame, labels.shape)] = shifts.ignore
    return moved


def _shifted(array: NDArray[Any], shifts: ShiftedSections, frame: Frame) -> NDArray[Any]:
    steps = shifts.voxels(frame)
    if len(steps) != array.shape[-3]:
        raise CellmlError(f"The image has {array.shape[-3]} sections, but {len(steps)} shifts were given; give one for each.")
    moved = np.empty_like(array)
    rows, columns = np.arange(array.shape[-2]), np.arange(array.shape[-1])
    for z, (down, right) in enumerate(steps):
        y, x = np.clip(rows - down, 0, len(rows) - 1), np.clip(columns - right, 0, len(columns) - 1)
        moved[..., z, :, :] = array[..., z, y[:, None], x[None]]
    return moved


def _outside(shifts: ShiftedSections, frame: Frame, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    steps = shifts.voxels(frame)
    y, x = np.arange(shape[-2]) - steps[:, :1], np.arange(shape[-1]) - steps[:, 1:]
    return ((y < 0) | (y >= shape[-2]))[:, :, None] | ((x < 0) | (x >= shape[-1]))[:, None, :]


class RandomShiftedSections(RandomArtefact):
    """Displaced sections: `jitter_nm` and `drift_nm` are drawn evenly, the displacements with them; labels move with the image."""

    def __init__(self, jitter_nm: Range = (0.0, 15.0), drift_nm: Range = 0.0, ignore: int | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.jitter_nm, self.drift_nm, self.ignore = number_range(jitter_nm, "jitter_nm"), number_range(drift_nm, "drift_nm"), ignore

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> ShiftedSections:
        """A displacement for each section."""
        return ShiftedSections.drawn(shape[0], float(rng.uniform(*self.jitter_nm)), float(rng.uniform(*self.drift_nm)), rng, self.ignore)

    def apply(self, image: NDArray[Any], parameters: ShiftedSections) -> NDArray[np.float32]:
        """See `shift_sections`."""
        return shift_sections(image, parameters, self.frame)

    def move(self, labels: NDArray[Any], parameters: ShiftedSections) -> NDArray[Any]:
        """See `shift_labels`."""
        return shift_labels(labels, parameters, self.frame)
