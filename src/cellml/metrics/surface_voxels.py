"""The voxels on the surface of labelled objects, collected slab by slab."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

_OUTSIDE = -1


@dataclass(frozen=True, eq=False)
class SurfaceVoxels:
    """Surface voxels of all labels > 0, sorted by label.

    labels: (N,) int64; voxels: (N, 3) int32, (z, y, x) in the region. Memory grows with surface, not with volume.
    """

    labels: NDArray[np.int64]
    voxels: NDArray[np.int32]

    @cached_property
    def present(self) -> NDArray[np.int64]:
        """Labels that occur, sorted."""
        return np.unique(self.labels)

    def of(self, label: int) -> NDArray[np.int32]:
        """Voxels of one label, (n, 3)."""
        first, last = np.searchsorted(self.labels, (label, label + 1))
        return self.voxels[first:last]


def surface_voxels(slabs: Iterable[NDArray[Any]], *, only: NDArray[Any] | None = None, cut_faces: bool = False) -> SurfaceVoxels:
    """Voxels of a label > 0 with another label at one of their six faces.

    slabs: label arrays (z, Y, X) ≥ 0 that follow each other along z; only: the labels to keep, None for all; cut_faces: whether the faces
    of the region count as surface too; where an object goes on beyond the region they are no surface of it. Two slabs meet without a seam:
    of each its last two sections are kept until the next is there.
    """
    found = []
    for first, labels, surface in _interiors(slabs, cut_faces):
        of, voxels = labels[surface], np.argwhere(surface).astype(np.int32)
        voxels[:, 0] += first
        kept = slice(None) if only is None else np.isin(of, only)
        found.append((of[kept].astype(np.int64), voxels[kept]))
    if not found:
        return SurfaceVoxels(np.zeros(0, np.int64), np.zeros((0, 3), np.int32))
    labels, voxels = (np.concatenate(side) for side in zip(*found, strict=True))
    order = np.argsort(labels, kind="stable")
    return SurfaceVoxels(labels[order], voxels[order])


def _interiors(slabs: Iterable[NDArray[Any]], cut_faces: bool) -> Iterator[tuple[int, NDArray[Any], NDArray[np.bool_]]]:
    """(number of the first section, labels, is surface) of runs of sections whose neighbours are known."""
    pending, first = None, 0
    for slab in slabs:
        if not len(slab):
            continue
        signed = np.asarray(slab, np.int64)
        edge = np.full_like(signed[:1], _OUTSIDE) if cut_faces else signed[:1]
        stack = np.concatenate([edge if pending is None else pending, signed])
        if len(stack) > 2:
            yield first, stack[1:-1], _is_surface(stack, cut_faces)
        first += len(stack) - 2
        pending = stack[-2:]
    if pending is not None:
        edge = np.full_like(pending[-1:], _OUTSIDE) if cut_faces else pending[-1:]
        stack = np.concatenate([pending, edge])
        yield first, stack[1:-1], _is_surface(stack, cut_faces)


def _is_surface(stack: NDArray[np.int64], cut_faces: bool) -> NDArray[np.bool_]:
    """For all sections but the first and last of `stack`."""
    inner = stack[1:-1]
    differs = (inner != stack[:-2]) | (inner != stack[2:])
    for axis in (1, 2):
        own, other = np.moveaxis(inner, axis, 0), np.moveaxis(differs, axis, 0)
        change = own[1:] != own[:-1]
        other[1:] |= change
        other[:-1] |= change
        if cut_faces:
            other[0], other[-1] = True, True
    return np.asarray(differs & (inner > 0))
