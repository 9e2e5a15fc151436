"""Tilt series aligned without fiducials."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.tomography.alignment.centring import Centring, centred
from cellml.tomography.alignment.cumulative import cumulative_shifts
from cellml.tomography.alignment.gauge import root_mean_square, without_translation
from cellml.tomography.alignment.matching import Matcher, ProjectionMatching, matched_shifts
from cellml.tomography.misalignment import Misalignment, sampled
from cellml.types import TiltSeries


@dataclass(frozen=True, eq=False)
class Alignment:
    """What was found. shifts: (N, 2) pixels (v, u) by which projections lie displaced, after their axis was turned along Y; axis_angle:
    degrees from Y to the tilt axis; before, after: root mean square distance, in pixels, between each projection and what the volume
    reconstructed from half of the others predicts of it, without any alignment and with this one; centring: what was done about the place
    of the axis, None where that was not asked for.
    """

    shifts: NDArray[np.float64]
    axis_angle: float
    before: float
    after: float
    centring: Centring | None = None

    def applied(self, series: TiltSeries, order: int = 3) -> TiltSeries:
        """The series with the axis along Y and the shifts taken out, by one interpolation. Axes beyond 45° exchange height and width."""
        angle = (self.axis_angle + 180) % 360 - 180
        quarters = round(angle / 90)
        data = np.rot90(series.data, quarters, axes=(1, 2))
        turn = Misalignment.of(1, rotations=angle - 90 * quarters).matrices()[0]
        shape = (data.shape[1], data.shape[2])
        moved = sampled(data, np.broadcast_to(turn, (len(data), 2, 2)), self.shifts @ turn.T, shape, order)
        return replace(series, data=moved, axis_angle=0.0)


def align_tilts(
    series: TiltSeries, how: ProjectionMatching | None = None, *, coarse: bool = True, search_axis: float = 0.0, centre: bool = True
) -> Alignment:
    """Align by cross-correlation of neighbours, then by projection matching.

    how: numbers of the matching; coarse: begin with `cumulative_shifts` (otherwise with none, for a series that is aligned roughly);
    search_axis: degrees to both sides of the series' axis angle among which the axis is searched, 0 to believe it; centre: whether the
    place of the axis is settled at the end (`cellml.tomography.alignment.centring`). A translation of the whole specimen stays
    undetermined. Raises CellmlError for numbers out of range.
    """
    if not 0 <= search_axis <= 90:
        raise CellmlError(f"search_axis={search_axis:g} must lie between 0 and 90 degrees, to both sides of the axis; 0 believes it.")
    how = how or ProjectionMatching()
    axis = _search(series, how, search_axis) if search_axis else series.axis_angle
    turned = _turned(series, axis)
    start = cumulative_shifts(turned) if coarse else np.zeros((len(series.angles), 2))
    shifts = matched_shifts(turned, without_translation(start, series.tilts), how)
    centring: Centring | None = None
    if centre:
        shifts, centring = centred(turned, shifts, how)
    finest = Matcher(turned, how, how.levels((turned.data.shape[1], turned.data.shape[2]))[-1])
    before, after = (root_mean_square(finest.residuals(s, most=20.0)) for s in (np.zeros_like(shifts), shifts))
    return Alignment(shifts, axis, before, after, centring)


def _turned(series: TiltSeries, axis: float) -> TiltSeries:
    from cellml.tomography.axis import axis_along_y

    return axis_along_y(replace(series, axis_angle=axis))


def _search(series: TiltSeries, how: ProjectionMatching, within: float) -> float:
    """The axis angle at which a reconstruction explains the projections best, aligned at the coarse level: five angles, then four times
    half their distance, then the lowest point of a parabola.

    Shifts adapt to a wrong angle so well that residuals hardly tell it; what a volume cannot explain grows with the square of the error.
    """
    coarse = replace(how, finest=how.levels((series.data.shape[1], series.data.shape[2]))[0], iterations=min(4, how.iterations))
    known: dict[float, float] = {}

    def misfit(angle: float) -> float:
        if angle not in known:
            turned = _turned(series, angle)
            shifts = matched_shifts(turned, without_translation(cumulative_shifts(turned), series.tilts), coarse)
            known[angle] = Matcher(turned, coarse, coarse.finest).misfit(shifts)
        return known[angle]

    best, step = series.axis_angle, within / 2
    candidates = [best + k * step for k in (-2, -1, 0, 1, 2)]
    for _ in range(4):
        best = min(candidates, key=misfit)
        step /= 2
        candidates = [best - step, best, best + step]
    best = min(candidates, key=misfit)
    near = sorted(known, key=lambda angle: abs(angle - best))[:5]
    bend, slope, _ = np.polyfit(np.array(near) - best, [known[angle] for angle in near], 2)
    return float(best - np.clip(slope / (2 * bend), -step, step)) if bend > 0 else best
