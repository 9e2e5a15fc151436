"""Projection matching: each projection against the reprojection of a volume made of the others, again and again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.tomography.alignment.anderson import Anderson
from cellml.tomography.alignment.correlation import Band, banded, displacement
from cellml.tomography.alignment.gauge import root_mean_square, without_axis_offset, without_translation
from cellml.tomography.alignment.reprojection import misfit, reprojected, seen, shared
from cellml.tomography.misalignment import sampled
from cellml.types import TiltSeries

Floats = NDArray[np.float64]
_SMALLEST = 40  # pixels to which the coarsest level may reduce an image


@dataclass(frozen=True)
class ProjectionMatching:
    """How to match. thickness: of the reconstruction in pixels (a third of the width where None); iterations: at most, at each binning;
    finest: binning of the last level (the coarsest leaves images of 40 pixels at least, each level halves it); sirt: iterations of each
    reconstruction; band: frequencies that are compared, in cycles per binned pixel; tolerance: pixels at which a level ends.
    """

    thickness: int | None = None
    iterations: int = 10
    finest: int = 2
    sirt: int = 8
    band: Band = field(default_factory=lambda: Band(0.06, 0.25))
    tolerance: float = 0.05

    def __post_init__(self) -> None:
        if min(self.iterations, self.finest, self.sirt) < 1:
            raise CellmlError(
                f"Projection matching needs iterations, finest and sirt of at least 1; got {self.iterations}, {self.finest}, {self.sirt}."
            )

        if self.thickness is not None and self.thickness < 1:
            raise CellmlError(f"thickness={self.thickness} must be at least 1 pixel, or null for a third of the width of the images.")

    def levels(self, shape: tuple[int, int]) -> list[int]:
        """Binnings from coarse to fine for images (Y, X)."""
        coarse = self.finest
        while min(shape) // (2 * coarse) >= _SMALLEST:
            coarse *= 2
        return [coarse // 2**k for k in range(20) if coarse // 2**k >= self.finest]

    def depth(self, width: int) -> int:
        """Voxels along z for images of this width. Raises CellmlError for a specimen thicker than that."""
        if self.thickness is not None and self.thickness > width:
            raise CellmlError(f"thickness={self.thickness} is more than the field of view, {width} pixels; give at most that.")
        return max(1, width // 3 if self.thickness is None else self.thickness)


class Matcher:
    """A tilt series at one binning, whose axis runs along Y, ready to be compared with its own reconstruction."""

    def __init__(self, series: TiltSeries, how: ProjectionMatching, binning: int) -> None:
        count, height, width = series.data.shape
        self.tilts, self.binning, self._how = series.tilts, binning, how
        self._images = banded(series.data, Band(how.band.low / binning, how.band.high / binning))
        self._shape = (height // binning, width // binning)
        self._edge = max(3.0, 0.05 * self._shape[1])
        self._depth = max(1, int(np.ceil(how.depth(width) / binning)))
        # Neighbours fall into different halves, so that each half spans the whole range.
        self._half = np.zeros(count, bool)
        self._half[np.argsort(series.tilts, kind="stable")[::2]] = True

    def step(self, shifts: Floats, most: float) -> Floats:
        """Displacements (N, 2) in pixels of the series: the first half against the second, then the second against the moved first.

        At the same time they would both go the whole way towards each other, and change places.
        """
        first = self.displacements(shifts, self._half, most)
        return first + self.displacements(shifts + first, ~self._half, most)

    def residuals(self, shifts: Floats, most: float) -> Floats:
        """Displacements (N, 2) in pixels of each half against the volume made of the other, both with these shifts."""
        return self.displacements(shifts, self._half, most) + self.displacements(shifts, ~self._half, most)

    def axis_offset(self, shifts: Floats, reach: int = 3) -> float:
        """Pixels to add to all shifts along u, at which a reconstruction explains the projections best.

        Tried are whole binned pixels up to `reach` to both sides; the result is the lowest point of a parabola through the best of them.
        """
        tried = np.arange(-reach, reach + 1)
        scores = [self.misfit(shifts + np.array([0.0, float(offset)])) for offset in tried * self.binning]
        best = int(np.argmin(scores))
        if not 0 < best < len(tried) - 1:
            return float(tried[best] * self.binning)
        below, at, above = scores[best - 1 : best + 2]
        return float((tried[best] + 0.5 * (below - above) / max(below - 2 * at + above, 1e-30)) * self.binning)

    def misfit(self, shifts: Floats) -> float:
        """Share of the energy of the projections, with these shifts taken out, that a reconstruction from all of them does not explain."""
        images, recorded = self._moved(shifts)
        return misfit(images, recorded, self.tilts, self._depth, self._how.sirt)

    def displacements(self, shifts: Floats, chosen: NDArray[np.bool_], most: float) -> Floats:
        """Pixels (v, u), (N, 2), by which the chosen projections lie off what the others predict; 0 for the others."""
        images, recorded = self._moved(shifts)
        predicted = reprojected(images, self.tilts, chosen, self._depth, self._how.sirt)
        window = recorded * shared(self._shape[1], self.tilts, self._edge)
        found = np.zeros((len(self.tilts), 2))
        for number, image in zip(np.flatnonzero(chosen), predicted, strict=True):
            place, _ = displacement(image * window[number], images[number] * window[number], most / self.binning)
            found[number] = place * self.binning
        return found

    def _moved(self, shifts: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The binned images with shifts taken out, faded to 0 where nothing was recorded, and that fade."""
        shifts = without_translation(shifts, self.tilts)
        recorded = seen(self._shape, shifts / self.binning, self._edge)
        matrices = np.broadcast_to(np.eye(2) * self.binning, (len(self.tilts), 2, 2))
        images = sampled(self._images, matrices, shifts, self._shape, order=1 if self.binning > 1 else 3)
        return images * recorded, recorded


def matched_shifts(series: TiltSeries, start: Floats, how: ProjectionMatching) -> Floats:
    """Shifts (N, 2) in pixels (v, u) by which projections lie displaced, refined from `start`; the axis of the series is along Y.

    At each binning: reconstruct one half of the tilts, reproject the other half, correlate, move, and the other way round; until steps are
    smaller than the tolerance (Penczek et al. 1992; Yang et al. 2005). Before and after, the offset of the axis is found by how well a
    reconstruction explains all projections. A common translation is taken out (see `without_translation`).
    """
    shifts = without_translation(np.asarray(start, np.float64), series.tilts)
    for binning in how.levels((series.data.shape[1], series.data.shape[2])):
        matcher, accelerated = Matcher(series, how, binning), Anderson()
        shifts = without_translation(shifts + np.array([0.0, matcher.axis_offset(shifts)]), series.tilts)
        for _ in range(how.iterations):
            step = without_axis_offset(matcher.step(shifts, most=4.0 * binning), series.tilts)
            if root_mean_square(step) < how.tolerance:
                break
            shifts = without_translation(accelerated.next(shifts, step), series.tilts)
        shifts = without_translation(shifts + np.array([0.0, matcher.axis_offset(shifts, reach=2)]), series.tilts)
    return shifts
