"""Coarse alignment: each projection against its less tilted neighbours, from the smallest tilt outwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.tomography.alignment.correlation import Band, banded, displacement
from cellml.tomography.misalignment import sampled
from cellml.types import TiltSeries


def cumulative_shifts(series: TiltSeries, band: Band | None = None, most: float | None = None, neighbours: int = 3) -> NDArray[np.float64]:
    """Shifts (N, 2) in pixels (v, u) by which each projection lies displaced, the axis being along Y.

    From the projection at the smallest tilt outwards on both sides, each is compared with the mean of up to `neighbours` less tilted ones
    that have been aligned already. A slab foreshortens by cos t along u, so all are stretched to the tilt of the nearest of them
    (Guckenberger 1982; Mastronarde 1997). The last ones count most. most: greatest shift between neighbours in pixels. Errors add up over
    the chain: `cellml.tomography.alignment.matching` takes them out.
    """
    images = banded(series.data, band or Band())
    count, height, width = images.shape
    fade = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[None, 1:-1]
    order = np.argsort(np.abs(series.tilts), kind="stable")
    cosines = np.maximum(np.cos(np.deg2rad(series.tilts)), 0.05)
    shifts = np.zeros((count, 2))
    done = [int(order[0])]
    for number in map(int, order[1:]):
        near = sorted(done, key=lambda other: abs(series.tilts[other] - series.tilts[number]))[:neighbours]
        target = cosines[near[0]]
        reference = np.zeros((height, width))
        for weight, other in zip(0.5 ** np.arange(len(near)), near, strict=True):
            reference += weight * stretched(images[other], target / cosines[other], shifts[other])
        ratio = target / cosines[number]
        image = stretched(images[number], ratio, np.zeros(2))
        found, _ = displacement((reference * fade).astype(np.float32), (image * fade).astype(np.float32), most)
        # A second look with the shift taken out: the fade then covers the same structure in both.
        shifts[number] = found / (1.0, ratio)
        image = stretched(images[number], ratio, shifts[number])
        rest, _ = displacement((reference * fade).astype(np.float32), (image * fade).astype(np.float32), 3.0)
        shifts[number] += rest / (1.0, ratio)
        done.append(number)
    return shifts


def stretched(image: NDArray[np.float32], ratio: float, shift: NDArray[np.float64]) -> NDArray[np.float32]:
    """The image with a shift (v, u) taken out and stretched along u by `ratio`: out(v, u) = image(v + shift_v, u / ratio + shift_u)."""
    matrix = np.array([[1.0, 0.0], [0.0, 1.0 / ratio]])
    return sampled(image[None], matrix[None], np.asarray(shift, np.float64)[None], (image.shape[0], image.shape[1]), order=1)[0]
