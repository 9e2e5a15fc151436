"""Do the labels lie where the image says? Edges of labels against edges of the image, for shifts of a few voxels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.finding import Finding
from cellml.data.slabs import Opened

_REACH = 8  # voxels of shift that are tried within a section
_SECTIONS = 4
_CROP = 320
_CLEAR = 1.25  # the best shift must explain so much more than none
_LEAST = 0.04  # correlation of label edges and image edges below which nothing is said


@dataclass(frozen=True)
class Registration:
    """shift: (z, y, x) voxels by which moving the labels fits best; there, here: correlation of edges at that shift and at none."""

    shift: tuple[int, int, int]
    there: float
    here: float


def registration(image: Opened, truth: Opened) -> Registration | None:
    """The shift of labels against image, from sections with the most label edges among evenly spaced ones; None without edges.

    Label edges (changes of value within a section) are correlated with how much the image varies there, |∇(G * g)| and −G * g (membranes
    are dark), whichever fits better, over shifts of up to 8 pixels and one section.
    """
    depth, height, width = image.shape
    if min(height, width) < 4 * _REACH:
        return None
    crop = tuple(slice((n - min(n, _CROP)) // 2, (n - min(n, _CROP)) // 2 + min(n, _CROP)) for n in (height, width))
    tables = []
    for z in np.unique(np.linspace(0, depth - 1, min(depth, _SECTIONS)).astype(int)):
        edges = _label_edges(_section(truth, int(z), crop))
        if 0 < edges.mean() < 0.5:
            near = [k for k in range(-1, 2) if 0 <= z + k < depth]
            tables.append({k: _scores(edges, _section(image, int(z) + k, crop)) for k in near})
    if not tables:
        return None
    kind = max(range(2), key=lambda cue: float(np.mean([table[0][cue].max() for table in tables])))
    shared = [k for k in range(-1, 2) if all(k in table for table in tables)]
    means = {k: np.mean([table[k][kind] for table in tables], axis=0) for k in shared}
    best = max(shared, key=lambda k: float(means[k].max()))
    y, x = np.unravel_index(int(means[best].argmax()), means[best].shape)
    return Registration((best, int(y) - _REACH, int(x) - _REACH), float(means[best].max()), float(means[0][_REACH, _REACH]))


def registration_findings(found: Registration | None) -> Iterator[Finding]:
    """A warning where labels fit clearly better when they are moved by 2 voxels or more (or by a section)."""
    if found is None or found.there < _LEAST or found.there < _CLEAR * max(found.here, 0.0) + 0.01:
        return
    z, y, x = found.shift
    if max(abs(y), abs(x)) < 2 and z == 0:
        return
    what = f"The labels seem to be shifted: moved by ({z:+d}, {y:+d}, {x:+d}) voxels (z, y, x) they fit the image's edges better"
    where = f"correlation of edges {found.here:.3f} as they are, {found.there:.3f} there"
    remedy = "Were they exported with another origin or padding? Look at both in one viewer, and move them before training."
    yield Finding("warning", what, where, remedy, harm=0.95)


def _section(source: Opened, z: int, crop: tuple[slice, ...]) -> NDArray[Any]:
    block = source.read((slice(z, z + 1), crop[0], crop[1]))
    return np.asarray(block).reshape(-1, *block.shape[-2:])[0]


def _label_edges(labels: NDArray[Any]) -> NDArray[np.float64]:
    """Half of each change to either side, so that edges lie between voxels on average at no shift."""
    edges = np.zeros(labels.shape)
    for axis in (0, 1):
        rows, out = np.moveaxis(labels, axis, 0), np.moveaxis(edges, axis, 0)
        change = rows[1:] != rows[:-1]
        out[1:] += change
        out[:-1] += change
    return np.minimum(edges, 1)


def _scores(edges: NDArray[np.float64], section: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Correlation of moved label edges with the two cues, for shifts (2 R + 1, 2 R + 1)."""
    from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude

    grey = np.nan_to_num(np.asarray(section, np.float64))
    return (
        _correlations(edges, gaussian_gradient_magnitude(grey, 1.5)),
        _correlations(edges, -gaussian_filter(grey, 1.0)),
    )


def _correlations(edges: NDArray[np.float64], cue: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation over the inside, for edges moved by −R to R along y and x."""
    inner = tuple(slice(_REACH, n - _REACH) for n in edges.shape)
    target = cue[inner]
    spread = target.std()
    out = np.zeros((2 * _REACH + 1, 2 * _REACH + 1))
    if spread == 0:
        return out
    target = (target - target.mean()) / spread
    for i in range(2 * _REACH + 1):
        for j in range(2 * _REACH + 1):
            moved = edges[2 * _REACH - i : edges.shape[0] - i, 2 * _REACH - j : edges.shape[1] - j]
            deviation = moved.std()
            out[i, j] = float(((moved - moved.mean()) * target).mean() / deviation) if deviation else 0.0
    return out
