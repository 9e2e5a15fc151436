"""Connected components counted over a volume that is read slab by slab."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np
from numpy.typing import NDArray


def component_count(slabs: Iterable[NDArray[np.bool_]], *, corners: bool) -> int:
    """Number of connected components of a mask.

    slabs: bool arrays (z, Y, X) that follow each other along z; corners: whether voxels that share an edge or a corner touch
    (26-connectivity), else faces only (6). Components that meet across two slabs are joined through the sections that face each other.
    """
    return _count(slabs, corners=corners, enclosed_only=False)


def cavity_count(slabs: Iterable[NDArray[np.bool_]]) -> int:
    """Number of cavities of a mask: 6-connected components of the background that do not reach the outside of the region."""
    return _count((~slab for slab in slabs), corners=False, enclosed_only=True)


def _count(slabs: Iterable[NDArray[np.bool_]], *, corners: bool, enclosed_only: bool) -> int:
    from scipy.ndimage import generate_binary_structure, label

    structure = generate_binary_structure(3, 3 if corners else 1)
    parent, above = [0], None  # component 0 is the outside
    for slab in slabs:
        if not len(slab):
            continue
        framed = np.pad(slab, ((0, 0), (1, 1), (1, 1)), constant_values=enclosed_only)
        numbers, found = label(framed, structure)
        numbers = np.where(numbers > 0, numbers + (len(parent) - 1), 0)
        parent.extend(range(len(parent), len(parent) + found))
        if enclosed_only:
            _join(parent, 0, int(numbers[0, 0, 0]))  # the frame of a section is one component: it is the outside
            if above is None:
                _join_all(parent, numbers[0])
        if above is not None:
            _join_touching(parent, above, numbers[0], corners)
        above = numbers[-1]
    if enclosed_only and above is not None:
        _join_all(parent, above)
    return sum(_root(parent, number) == number for number in range(1, len(parent)))


def _join_all(parent: list[int], section: NDArray[np.integer]) -> None:
    """Join every component of a section with the outside."""
    for number in np.unique(section[section > 0]):
        _join(parent, 0, int(number))


def _join_touching(parent: list[int], above: NDArray[np.integer], below: NDArray[np.integer], corners: bool) -> None:
    """Join the components of two sections that lie on each other; both have a frame of width 1, so that shifts stay inside."""
    inner = below[1:-1, 1:-1]
    shifts = product((0, 1, 2), repeat=2) if corners else [(1, 1)]
    rows, columns = inner.shape
    for dy, dx in shifts:
        over = above[dy : dy + rows, dx : dx + columns]
        touching = (over > 0) & (inner > 0)
        for pair in np.unique(np.stack([over[touching], inner[touching]]), axis=1).T.tolist():
            _join(parent, pair[0], pair[1])


def _join(parent: list[int], one: int, other: int) -> None:
    one, other = _root(parent, one), _root(parent, other)
    parent[max(one, other)] = min(one, other)  # the outside, 0, stays a root


def _root(parent: list[int], number: int) -> int:
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number
