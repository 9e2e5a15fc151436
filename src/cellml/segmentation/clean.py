"""Small objects and enclosed ones: what decoding leaves behind, and nothing biological has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cellml.segmentation.neighbourhood import NEAREST
from cellml.segmentation.region_graph import RegionGraph, region_graph


def clean(labels: NDArray[np.uint32], affinities: NDArray[Any], min_size: int, max_enclosed: int) -> NDArray[np.uint32]:
    """Absorb objects below `min_size` voxels, then fill holes and islands of at most `max_enclosed` voxels; 0 leaves either out."""
    labels = absorb_small(labels, affinities, min_size)
    return fill_enclosed(labels, max_enclosed) if max_enclosed > 0 else labels


def absorb_small(labels: NDArray[np.uint32], affinities: NDArray[Any], min_size: int) -> NDArray[np.uint32]:
    """Merge each object below `min_size` voxels into the neighbour of largest mean affinity, until none is left.

    labels: (Z, Y, X), 0 is background; affinities: (K, Z, Y, X), of which the first three channels count. Small objects that touch no
    other object become background. Returns labels numbered as before, minus the absorbed ones.
    """
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    if not ((sizes > 0) & (sizes < min_size)).any():
        return labels
    number = np.arange(sizes.size)
    graph = region_graph(labels, affinities, NEAREST)
    while True:
        small = (sizes > 0) & (sizes < min_size)
        strongest = _strongest_neighbour(graph, small)
        if not strongest.any():
            break
        joined = _joined(strongest, sizes)
        number, graph = joined[number], graph.renumbered(joined)
        sizes = np.bincount(joined, weights=sizes, minlength=sizes.size).astype(np.int64)
    number[(sizes < min_size)[number]] = 0
    return number.astype(np.uint32)[labels]


def fill_enclosed(labels: NDArray[np.uint32], max_size: int) -> NDArray[np.uint32]:
    """Give background holes and objects of at most `max_size` voxels to the one object that encloses them.

    A connected region is enclosed if it touches exactly one other region by faces, an object, and not the border of the volume.
    labels: (Z, Y, X), 0 is background.
    """
    from scipy.ndimage import label

    holes, _ = label(labels == 0)
    regions = np.where(labels == 0, holes + labels.max(), labels)
    sizes = np.bincount(regions.reshape(-1))
    graph = region_graph(regions, np.zeros((3, *labels.shape), bool), NEAREST)
    degree = np.bincount(graph.u, minlength=sizes.size) + np.bincount(graph.v, minlength=sizes.size)
    fillable = (degree == 1) & (sizes <= max_size) & (sizes > 0)
    fillable[_touching_border(regions)] = False
    number = np.arange(sizes.size)
    for inner, outer in ((graph.u, graph.v), (graph.v, graph.u)):
        take = fillable[inner] & (outer <= labels.max()) & ~fillable[outer]
        number[inner[take]] = outer[take]
    number[number > labels.max()] = 0
    return number.astype(np.uint32)[regions]


def _strongest_neighbour(graph: RegionGraph, small: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each small region the neighbour of largest mean affinity, 0 for the others and where there is none."""
    source, target = np.concatenate([graph.u, graph.v]), np.concatenate([graph.v, graph.u])
    means = np.tile(graph.means, 2)
    keep = small[source]
    source, target, means = source[keep], target[keep], means[keep]
    order = np.lexsort((target, means, source))
    strongest = np.zeros(small.size, np.int64)
    strongest[source[order]] = target[order]  # the last write of each source is its largest mean
    return strongest


def _joined(strongest: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """New number of each region: the largest member of the group that the links small → strongest make."""
    linked = np.flatnonzero(strongest)
    links = coo_array((np.ones(linked.size, bool), (linked, strongest[linked])), shape=(sizes.size, sizes.size))
    _, group = connected_components(links, directed=False)
    order = np.argsort(sizes, kind="stable")
    largest = np.zeros(group.max() + 1, np.int64)
    largest[group[order]] = order
    return np.asarray(largest[group])


def _touching_border(regions: NDArray[Any]) -> NDArray[Any]:
    faces = [np.unique(np.take(regions, side, axis=axis)) for axis in range(3) for side in (0, -1)]
    return np.unique(np.concatenate(faces))
