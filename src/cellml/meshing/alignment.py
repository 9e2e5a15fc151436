"""Sections that were not quite aligned, moved back.

Neighbouring sections are compared at every shift within a few pixels; the shifts that fit best add up to the path of the object through its
sections. A path that wanders slowly is shape, one that jumps from section to section is jitter: the difference between the path and
its running average is taken back, in whole pixels. Sections must be aligned before anything is interpolated between them; smoothing would
only hide the jumps.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.errors import CellmlError
from cellml.types import Labels

Floats = NDArray[np.float64]

_REACH = 6  # pixels within which the best shift between two sections is sought
_WINDOW = 2.5  # sections, σ of the running average: slower movements are shape
_FEWEST = 5  # sections


def align_sections(labels: Labels, axis: int, edges: NDArray[np.int64] | None = None) -> tuple[Labels, str]:
    """Labels with jitter between sections taken back, and what was done in words.

    axis: across the sections; edges: where sections begin and end in voxels along it (S + 1,), one voxel each where None. What is shifted
    out of the volume is lost, what comes in is background. Raises CellmlError for fewer than five sections.
    """
    data = np.moveaxis(labels.data, axis, 0)
    edges = np.arange(len(data) + 1) if edges is None else edges
    occupied = [s for s in range(len(edges) - 1) if (data[edges[s]] > 0).any()]
    if len(occupied) < _FEWEST:
        raise CellmlError(
            f"{labels.name!r} has {len(occupied)} sections with a label; at least {_FEWEST} are needed to tell jitter from shape."
        )
    steps = [np.zeros(2)]
    steps += [_best_shift(data[edges[a]], data[edges[b]]) for a, b in pairwise(occupied)]
    path = np.cumsum(steps, axis=0)
    shift = np.round(_running_average(path) - path).astype(int)
    moved = data.copy()
    for section, (rows, columns) in zip(occupied, shift.tolist(), strict=True):
        part = slice(edges[section], edges[section + 1])
        moved[part] = _shifted(data[part], rows, columns)
    count = int((shift != 0).any(axis=1).sum())
    said = f"{count} of {len(occupied)} sections along {'zyx'[axis]} moved by up to {int(np.abs(shift).max())} pixels against jitter"
    return replace(labels, data=np.moveaxis(moved, 0, axis)), said


def _best_shift(first: NDArray[np.int64], second: NDArray[np.int64]) -> Floats:
    """Shift (rows, columns) of the second section's shapes against the first's: where most labelled pixels agree."""
    score = np.zeros((2 * _REACH + 1, 2 * _REACH + 1))
    for row in range(-_REACH, _REACH + 1):
        for column in range(-_REACH, _REACH + 1):
            back = _shifted(second[None], -row, -column)[0]
            apart = (back != first) & ((first > 0) | (back > 0))
            score[row + _REACH, column + _REACH] = ((back == first) & (first > 0)).sum() - apart.sum()
    best = np.argwhere(score == score.max()) - _REACH
    return np.asarray(best[np.abs(best).sum(axis=1).argmin()], float)


def _running_average(path: Floats) -> Floats:
    """Average over about five sections, along a straight line at the ends, so that an inclined object is not bent."""
    line = np.arange(len(path))
    fit = np.polynomial.polynomial.polyfit(line, path, 1)
    straight = np.polynomial.polynomial.polyval(line, fit).T
    return np.asarray(straight + ndimage.gaussian_filter1d(path - straight, _WINDOW, axis=0, mode="nearest"))


def _shifted(sections: NDArray[np.int64], rows: int, columns: int) -> NDArray[np.int64]:
    """Sections (S, H, W) shifted by whole pixels, background coming in."""
    result = np.zeros_like(sections)
    height, width = sections.shape[1:]
    if abs(rows) >= height or abs(columns) >= width:
        return result
    to_rows, from_rows = slice(max(rows, 0), height + min(rows, 0)), slice(max(-rows, 0), height - max(rows, 0))
    to_columns, from_columns = slice(max(columns, 0), width + min(columns, 0)), slice(max(-columns, 0), width - max(columns, 0))
    result[:, to_rows, to_columns] = sections[:, from_rows, from_columns]
    return result
