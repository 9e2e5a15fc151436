"""Shapes in the sections that nobody traced.

Between two traced sections the signed distance to the outline, taken within each section, is interpolated linearly, and the shape is where
it is negative: shape-based interpolation (Raya & Udupa 1990; Herman, Zheng & Bucholtz 1992). Shapes that move from section to section
overlap little, and plain interpolation lets them vanish in between; therefore the two distance maps are first laid over each other by
their centroids and the result is put on the line between them, where each section holds a single outline.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Pixel = tuple[float, float]


def shapes_between(
    first: NDArray[np.bool_], second: NDArray[np.bool_], count: int, pixel: Pixel, *, follow: bool = True
) -> NDArray[np.bool_]:
    """The shapes of `count` sections evenly between two, (count, H, W).

    d(t) = (1 − t) d₀(p − c(t) + c₀) + t d₁(p − c(t) + c₁), inside where d(t) < 0, with c(t) = (1 − t) c₀ + t c₁ between the centroids
    if `follow` and each section holds one connected shape, else without any shift.

    first, second: (H, W), both with pixels inside, and with a margin of background that the shape may grow into; pixel: its edges (y, x).
    """
    from scipy import ndimage

    from cellml.meshing.sections import section_distances

    distances = section_distances(np.stack([first, second]), list(pixel))
    single = follow and all(ndimage.label(shape)[1] == 1 for shape in (first, second))
    centres = [np.array(ndimage.center_of_mass(shape)) if single else np.zeros(2) for shape in (first, second)]
    shapes = np.zeros((count, *first.shape), bool)
    for number in range(count):
        share = (number + 1) / (count + 1)
        centre = (1 - share) * centres[0] + share * centres[1]
        before, after = (_shifted(d, centre - own) for d, own in zip(distances, centres, strict=True))
        shapes[number] = (1 - share) * before + share * after < 0
    return shapes


def _shifted(distance: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy import ndimage

    return distance if not shift.any() else np.asarray(ndimage.shift(distance, shift, order=1, mode="nearest"))


def bridged(traced: dict[int, NDArray[np.bool_]], bridge: int, pixel: Pixel) -> dict[int, NDArray[np.bool_]]:
    """Sections of one object, with those in between that nobody traced.

    traced: the shape (H, W) in each traced section; bridge: gaps of at most so many sections are filled, larger ones are taken to be real;
    pixel: edges (y, x). Nothing is added before the first and after the last traced section.
    """
    filled = dict(traced)
    for low, high in pairwise(sorted(traced)):
        count = high - low - 1
        if 0 < count <= bridge and traced[low].any() and traced[high].any():
            filled |= dict(zip(range(low + 1, high), shapes_between(traced[low], traced[high], count, pixel), strict=True))
    return filled
