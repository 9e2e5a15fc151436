"""Projections turned so that the tilt axis runs along Y, as reconstruction wants it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cellml.tomography.misalignment import sampled
from cellml.types import TiltSeries


def axis_along_y(series: TiltSeries, order: int = 3) -> TiltSeries:
    """The series rotated by minus its axis angle about the middle of the images, so that its tilt axis runs along Y.

    Multiples of 90° are exact, and exchange height and width where they must; at other angles the images are interpolated by splines of
    this order, keep their size up to 45° from Y and exchange height and width beyond, and repeat their edge where a corner is missing.
    An axis at 180° is Y as well, but turned over: images are rotated by 180°, which keeps the sense of the tilts.
    """
    angle = (series.axis_angle + 180) % 360 - 180
    quarters = round(angle / 90)
    # rot90 turns the first of the two axes towards the second: v towards u, which is minus the rotation of the axis.
    data = np.rot90(series.data, quarters, axes=(1, 2))
    rest = angle - 90 * quarters
    if rest:
        radians = np.deg2rad(rest)
        turn = np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]])
        count, height, width = data.shape
        data = sampled(data, np.broadcast_to(turn, (count, 2, 2)), np.zeros((count, 2)), (height, width), order)
    return replace(series, data=np.ascontiguousarray(data), axis_angle=0.0)
