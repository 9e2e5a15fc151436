"""Where the tilt axis lies, and slow drifts that go with it: what comparing projections with each other hardly tells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cellml.tomography.alignment.compact import drift, sides
from cellml.tomography.alignment.gauge import root_mean_square, without_translation
from cellml.tomography.alignment.matching import Matcher, ProjectionMatching
from cellml.tomography.misalignment import Misalignment, realigned
from cellml.types import TiltSeries

Floats = NDArray[np.float64]
_BANDS, _SHORTEST = 4, 24  # bands of rows that are asked apart, and binned rows that each must have
_REACH = 3  # binned pixels to both sides among which an offset is sought
_ROUNDS = 4
_MOST = 1.0  # pixels of standard error up to which an offset counts as determined


@dataclass(frozen=True)
class Centring:
    """What was done about the axis. way: "centres of mass", "consistency" or "undetermined"; moved: root mean square pixels by which
    projections were moved for it; error: standard error in pixels, of these shifts for centres of mass, of the axis's place for consistency
    (inf where nothing tells); reason: why it is not determined, or empty.
    """

    way: str
    moved: float
    error: float
    reason: str = ""


def centred(series: TiltSeries, shifts: Floats, how: ProjectionMatching) -> tuple[Floats, Centring]:
    """Shifts (N, 2) in pixels (v, u) of a series whose axis is along Y, with the axis in the middle, and what that rests on.

    A specimen that lies alone and whole between the left and the right border has its centres of mass
    (`cellml.tomography.alignment.compact.drift`). Otherwise the offset is sought at which a reconstruction explains all projections best,
    by bands of rows apart, whose disagreement is its error; it is applied where it exceeds twice that, and left alone where it is not
    determined to a pixel.
    """
    found = drift(_aligned(series, shifts))
    if found is not None:
        moved = without_translation(shifts + found.shifts, series.tilts)
        return moved, Centring("centres of mass", _moved(moved, shifts, series), found.error)
    return _by_consistency(series, shifts, how)


def _aligned(series: TiltSeries, shifts: Floats) -> TiltSeries:
    """The series with its shifts taken out, and the mean of its sides where a projection recorded nothing: repeated edges make streaks."""
    moved = realigned(series, Misalignment.of(len(shifts), shifts), order=1)
    v, u = (np.arange(n) - (n - 1) / 2 for n in series.data.shape[1:])
    for image, recorded, (dv, du) in zip(moved.data, series.data, shifts, strict=True):
        inside = (np.abs(v + dv) <= -v[0])[:, None] & (np.abs(u + du) <= -u[0])
        image[~inside] = recorded[sides(recorded.shape)].mean(dtype=np.float64)
    return moved


def _by_consistency(series: TiltSeries, shifts: Floats, how: ProjectionMatching) -> tuple[Floats, Centring]:
    matcher, place = Matcher(series, how, how.finest), np.array([0.0, 0.0])
    for _ in range(_ROUNDS):
        step = matcher.axis_offset(shifts + place, _REACH)
        place[1] += step
        if abs(step) < how.finest / 4:
            break
    else:
        reason = f"a reconstruction explains the projections the better the further the axis is moved ({place[1]:.1f} pixels so far)"
        return shifts, Centring("undetermined", 0.0, np.inf, reason)
    error = _error(series, shifts + place, how)
    if not error <= _MOST:
        doubt = "the images are too low to ask bands of rows" if np.isinf(error) else f"bands of rows disagree by ± {error:.1f} pixels"
        return shifts, Centring("undetermined", 0.0, error, doubt)
    if abs(place[1]) <= 2 * error:
        return shifts, Centring("consistency", 0.0, error)
    moved = without_translation(shifts + place, series.tilts)
    return moved, Centring("consistency", _moved(moved, shifts, series), error)


def _error(series: TiltSeries, shifts: Floats, how: ProjectionMatching) -> float:
    """Standard error of the offset of the axis in pixels, by bands of rows; inf where there are not enough rows for two of them."""
    rows = series.data.shape[1]
    count = min(_BANDS, rows // (_SHORTEST * how.finest))
    if count < 2:
        return float("inf")
    bands = [replace(series, data=series.data[:, part]) for part in np.array_split(np.arange(rows), count)]
    offsets = [Matcher(band, how, how.finest).axis_offset(shifts, _REACH) for band in bands]
    return float(np.std(offsets, ddof=1) / np.sqrt(count))


def _moved(after: Floats, before: Floats, series: TiltSeries) -> float:
    return root_mean_square(without_translation(after - before, series.tilts))
