"""Borders of a 2D segmentation thinned to lines one pixel wide, so that a score does not depend on how thick membranes were drawn."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LINE, _WAITING, _QUEUED, _OUTSIDE = 0, -1, -2, -3


def thinned_segments(inside: NDArray[Any]) -> NDArray[np.int64]:
    """Segments of a section after its borders have been thinned by a watershed.

    inside: (Y, X) bool, false on membranes. The 4-connected components of the inside are flooded into the membranes, pixel by pixel in
    the order of distance, with 4 neighbours; where two floods meet, lines stay (Vincent and Soille 1991, doi:10.1109/34.87344, with the
    two heights inside and membrane). Returns (Y, X) int64: the number of the segment, from 1, and 0 on the lines. A section without any
    inside is one segment. Pixels start in the order of columns and ask left, upper, right and lower neighbour, as the challenge's script
    does (`docs/evaluation.md`), so that lines fall on the same pixels.
    """
    from scipy.ndimage import label

    inside = np.asarray(inside, bool)
    components, count = label(inside)
    if count == 0:
        return np.ones(inside.shape, np.int64)
    width = inside.shape[1] + 2
    state = np.pad(np.where(inside, components, _WAITING).astype(np.int64), 1, constant_values=_OUTSIDE)
    columns = np.argwhere(~inside.T)  # (x, y), x slowest
    membrane = ((columns[:, 1] + 1) * width + columns[:, 0] + 1).tolist()
    flooded = _flooded(state.ravel().tolist(), membrane, (-1, -width, 1, width))
    return np.array(flooded, np.int64).reshape(state.shape)[1:-1, 1:-1]


def _flooded(state: list[int], membrane: list[int], steps: tuple[int, int, int, int]) -> list[int]:
    """The flat padded image with every membrane pixel given to a segment or to a line.

    Plain lists: each pixel depends on the one before it, so that there is nothing to vectorise, and an element of a list is read faster
    than one of an array.
    """
    queue: deque[int] = deque()
    for pixel in membrane:
        if any(state[pixel + step] >= _LINE for step in steps):
            state[pixel] = _QUEUED
            queue.append(pixel)
    beside_line = False  # the last line pixel became one because a neighbour was one: a segment may still take it
    while queue:
        pixel = queue.popleft()
        for step in steps:
            other = state[pixel + step]
            own = state[pixel]
            if other > _LINE:
                if own == _QUEUED or (own == _LINE and beside_line):
                    state[pixel] = other
                elif own > _LINE and own != other:
                    state[pixel], beside_line = _LINE, False
            elif other == _LINE and own == _QUEUED:
                state[pixel], beside_line = _LINE, True
            elif other == _WAITING:
                state[pixel + step] = _QUEUED
                queue.append(pixel + step)
    return state
