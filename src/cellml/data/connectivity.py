"""Labels as 6-connected components: what is one object, and how strays are given to their neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def components(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Split labels (Z, Y, X) into 6-connected components of equal value; label 0 is a value like any other here.

    Returns the component number of each voxel (Z, Y, X), counting from 1, and for each component (index 0 unused) its label and its size
    in voxels.
    """
    from skimage.measure import label

    numbers = np.asarray(label(labels, background=-1, connectivity=1), dtype=np.int64)
    size = np.bincount(numbers.ravel())
    value = np.zeros(len(size), dtype=np.int64)
    value[numbers.ravel()] = labels.ravel()
    return numbers, value, size


def reconnect(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Keep the largest component of each label, give the rest to touching neighbours, and number the labels 1…N.

    labels: (Z, Y, X) integers without background. The result has the same shape, and each label in it is one 6-connected component,
    because a voxel changes hands only to a label that it touches.
    """
    numbers, value, size = components(labels)
    order = np.lexsort((size, value))
    order = order[size[order] > 0]
    largest = order[np.append(np.diff(value[order]) != 0, True)]
    renumber = np.zeros(len(size), dtype=np.int64)
    renumber[largest] = np.arange(1, len(largest) + 1)
    return _grow_into_gaps(renumber[numbers])


def _grow_into_gaps(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fill zeros layer by layer from their 6-neighbours."""
    padded = np.pad(labels, 1)
    gaps = np.argwhere(padded[1:-1, 1:-1, 1:-1] == 0) + 1
    steps = np.concatenate([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
    while len(gaps):
        neighbours = padded[tuple(np.moveaxis(gaps[:, None] + steps, -1, 0))]
        found = neighbours.max(axis=1)
        padded[tuple(gaps.T)] = found
        gaps = gaps[found == 0]
    return padded[1:-1, 1:-1, 1:-1]
