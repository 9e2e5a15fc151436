"""A tilt series divided into two, whose reconstructions have independent noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from cellml.errors import CellmlError
from cellml.types import TiltSeries


def split_halves(series: TiltSeries) -> tuple[TiltSeries, TiltSeries]:
    """Every second tilt in the order of the tilts, beginning with the smallest, and the others: (even, odd).

    Their noise is independent while their signal is the same (Buchholz et al. 2019, doi:10.1109/ISBI.2019.8759519). Raises CellmlError
    where a half would have fewer than two projections.
    """
    count = len(series.angles)
    if count < 4:
        raise CellmlError(f"{series.name!r} has {count} projections; halves of two or more need at least 4.")
    order = np.argsort(series.tilts, kind="stable")
    even, odd = (_part(series, order[start::2], name) for start, name in ((0, "even"), (1, "odd")))
    return even, odd


def _part(series: TiltSeries, chosen: np.ndarray, name: str) -> TiltSeries:
    """The chosen projections, in the order in which the series has them."""
    chosen = np.sort(chosen)
    doses = series.doses[chosen] if len(series.doses) else series.doses
    return replace(series, data=series.data[chosen], angles=series.angles[chosen], doses=doses, name=f"{series.name}, {name} tilts")


def other_half(tilts: ArrayLike, half: str) -> list[int]:
    """Numbers of the projections that `split_halves` leaves out of a half, "even" or "odd"; tilts: (N,) in degrees.

    For a series too large to be held: the projections are then left out where it is read. Raises CellmlError for another word.
    """
    if half not in ("even", "odd"):
        raise CellmlError(f"half={half!r} is neither 'even' (the first, third, … tilt in order) nor 'odd' (the others).")
    order = np.argsort(np.asarray(tilts, float), kind="stable")
    return sorted(order[1 if half == "even" else 0 :: 2].tolist())
