"""Specimens with nothing beside them in the field of view: their centres of mass say where projections belong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.tomography.geometry import direction
from cellml.types import TiltSeries

Floats = NDArray[np.float64]
_SMOOTHING = 3.0  # pixels
_FAINT = 0.05  # of the brightest smoothed pixel, below which there is nothing
_NOISE = 5.0  # standard deviations of what noise leaves in a smoothed mean, below which there is nothing to be seen
_MARGIN = 3  # pixels around the specimen, and as many at least that must be free at the border of the images
_SPREAD = 0.1  # relative deviation of the mass over tilts that noise may cause
_GROUPS = 6  # runs of neighbouring tilts whose means show the specimen: noise falls, and no view of it is lost
_MOST_TERMS = 8  # degree of the polynomials tried


def support(series: TiltSeries) -> NDArray[np.bool_] | None:
    """Pixels (Y, X) that the specimen of an aligned series (axis along Y) falls on at some tilt; None where it reaches left or right.

    A rod along the axis may go on above and below. Bright on dark and dark on bright are alike: what counts is the difference from the
    mean at the left and the right.
    """
    from scipy.ndimage import binary_dilation

    order = np.argsort(series.tilts, kind="stable")
    groups = [group for group in np.array_split(order, min(_GROUPS, len(order) // 2)) if len(group) > 1]
    border = sides(series.data.shape[1:])
    means, doubts = zip(*(_mean_and_noise(series.data[group], border) for group in groups), strict=True)
    least = _FAINT * max(mean.max() for mean in means)
    found = np.any([mean > max(least, _NOISE * doubt) for mean, doubt in zip(means, doubts, strict=True)], axis=0)
    found = binary_dilation(found, iterations=_MARGIN)
    return None if found[border].any() or not found.any() else np.asarray(found)


def _mean_and_noise(images: NDArray[np.float32], border: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Smoothed distance (Y, X) of the mean image from what its sides show, and the standard deviation of its noise there.

    Noise is told by the difference of every second image from the others: what these neighbouring tilts show in common is no noise.
    """
    from scipy.ndimage import gaussian_filter

    even, odd = (gaussian_filter(images[start::2].mean(axis=0, dtype=np.float64), _SMOOTHING) for start in (0, 1))
    mean = (even + odd) / 2
    return np.abs(mean - mean[border].mean()), float(((even - odd) / 2)[border].std())


def centroids(series: TiltSeries, inside: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Centres of mass (N, 2) in pixels (v, u) from the middle of the images, and masses (N,), of what lies `inside` (Y, X).

    Each projection's mean outside is taken off first.
    """
    height, width = inside.shape
    v, u = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    places, masses = np.empty((len(series.data), 2)), np.empty(len(series.data))
    for number, image in enumerate(series.data):
        rest = np.where(inside, image - image[~inside].mean(dtype=np.float64), 0.0)
        masses[number] = rest.sum()
        places[number] = rest.sum(axis=1) @ v, rest.sum(axis=0) @ u
    return places / np.where(masses, masses, 1.0)[:, None], masses


@dataclass(frozen=True, eq=False)
class Drift:
    """shifts: (N, 2) pixels (v, u) by which an aligned series is still displaced, smooth over the tilts; error: root mean square of what
    noise may have put into them, in pixels.
    """

    shifts: Floats
    error: float


def drift(series: TiltSeries) -> Drift | None:
    """What the centres of mass of an aligned series say of its remaining shifts; None where the specimen is not alone between the sides.

    The centre of mass of a projection is v = y and u = x cos t + z SENSE sin t for a specimen at (z, y, x) (the first moment of Helgason's
    and Ludwig's conditions, Natterer 1986, section II.4): everything else is misalignment. Matching knows each projection against its
    neighbours well and loses its way slowly over the tilts, an offset of the axis included; noise of the centres is independent between
    tilts. So polynomials of the tilt are fitted to them, whose degree generalised cross-validation chooses (Golub, Heath and Wahba 1979).
    """
    inside = support(series)
    if inside is None:
        return None
    places, masses = centroids(series, inside)
    if not abs(masses.mean()) > 0 or masses.std() > _SPREAD * abs(masses.mean()):
        return None
    modes = np.stack(direction(series.tilts), axis=1)
    along, error_v = np.zeros(len(masses)), 0.0
    rod = inside[:_MARGIN].any() or inside[-_MARGIN:].any()  # which, moved along itself, shows another piece
    if not rod:
        along, error_v = _smooth(places[:, 0], series.tilts, modes[:, :0])
    across, error_u = _smooth(places[:, 1], series.tilts, modes)
    return Drift(np.stack([along, across], axis=1), float(np.hypot(error_v, error_u)))


def _smooth(values: Floats, tilts: Floats, modes: Floats) -> tuple[Floats, float]:
    """Values (N,) as modes (N, M) and a polynomial of the tilt, and the standard error of that fit, its root mean square over the tilts."""
    count = len(values)
    place = (tilts - tilts.min()) / np.ptp(tilts) * 2 - 1
    best: tuple[float, Floats, float] | None = None
    for degree in range(min(_MOST_TERMS, count // 4) + 1):
        terms = np.concatenate([modes, np.polynomial.legendre.legvander(place, degree)], axis=1)
        fit, _, rank, _ = np.linalg.lstsq(terms, values, rcond=1e-8)
        if rank >= count:
            break
        curve = terms @ fit
        squares = float(((values - curve) ** 2).sum())
        score = squares / (1 - rank / count) ** 2
        if best is None or score < best[0]:
            best = score, curve, float(np.sqrt(squares / (count - rank) * rank / count))
    assert best is not None  # a constant can be fitted to any two values
    return best[1], best[2]


def sides(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The left and the right border of images (Y, X), `_MARGIN` pixels wide."""
    border = np.zeros(shape, bool)
    border[:, :_MARGIN] = border[:, -_MARGIN:] = True
    return border
