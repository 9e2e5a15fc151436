"""Named parts of membranes: a postsynaptic density, a painted field, carried from voxels through remeshing to facets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cellml.errors import CellmlError
from cellml.meshing.errors import MeshingError
from cellml.meshing.facets import Facets, is_cut
from cellml.meshing.topology import Index
from cellml.types import Labels

Floats = NDArray[np.float64]

_BASE = 1_000_000  # patch p of tag t is carried as p · base + t
_LOOKS = 7  # along the normal of a facet for painted voxels


@dataclass(frozen=True, eq=False)
class Patches:
    """Painted voxels by name; where two overlap, the later one wins.

    names: of the patches, numbered from 1; masks: (Z, Y, X) of non-zero voxels in their own frames; detail_nm: size of a voxel as the
    shapes were really sampled, by which a membrane may lie off the voxels that it was made from.
    """

    names: tuple[str, ...] = ()
    masks: tuple[Labels, ...] = ()
    detail_nm: float = 0.0

    def of(self, points: Floats, facets: Index, tags: NDArray[np.int32]) -> NDArray[np.int64]:
        """Patch of each facet, 0 for none, (F,): those that have painted voxels above or below their middle, along their normal.

        They may lie off by the size of a voxel, of the mask or of the shapes, but not sideways, which would widen the patch. Plane cuts
        have none.
        """
        patch = np.zeros(len(facets), np.int64)
        a, b, c = (points[facets[:, i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        for number, mask in enumerate(self.masks, start=1):
            reach = max(*mask.spacing, self.detail_nm)
            near = np.zeros(len(facets), bool)
            for share in np.linspace(-1.0, 1.0, _LOOKS):
                near |= _painted(mask, (a + b + c) / 3.0 + share * reach * normal)
            patch[near & ~is_cut(tags)] = number
        return patch

    def encode(self, tags: NDArray[np.int32], patches: NDArray[np.int64]) -> NDArray[np.int64]:
        """One number for tag and patch."""
        return np.asarray(patches * _BASE + tags, np.int64)

    def decode(self, codes: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Tags and patches of numbers made by `encode`."""
        return (codes % _BASE).astype(np.int32), codes // _BASE

    def carried(self, facets: Facets, points: Floats, middles: Floats, patches: NDArray[np.int64]) -> Facets:
        """Facets that take the patch of the nearest facet of another mesh, whose middles (N, 3) and patches (N,) are given.

        Raises MeshingError where a patch has no facet: it may be smaller than those, and found on a finer mesh.
        """
        _, nearest = cKDTree(middles).query(points[facets.facets].mean(axis=1))
        patch = np.where(is_cut(facets.tags), 0, patches[nearest])
        first = max(facets.names) + 1
        tags = np.where(patch > 0, first + patch - 1, facets.tags).astype(np.int32)
        present = set(tags.tolist())
        names = {**facets.names} | {first + i: name for i, name in enumerate(self.names)}
        lost = [name for i, name in enumerate(self.names) if first + i not in present]
        if lost:
            raise MeshingError(f"Patch {lost[0]!r} lies on no membrane of this mesh; its voxels must touch one, in the same frame.")
        return Facets(facets.facets, tags, {tag: name for tag, name in names.items() if tag in present})


def patches_of(masks: Mapping[str, Labels], detail_nm: float) -> Patches:
    """Patches from masks by name, for shapes sampled every `detail_nm`. Raises CellmlError for a mask without a voxel."""
    for name, mask in masks.items():
        if not (mask.data > 0).any():
            raise CellmlError(f"The mask of patch {name!r} has no voxel above 0.")
    return Patches(tuple(masks), tuple(masks.values()), detail_nm)


def _painted(mask: Labels, points: Floats) -> NDArray[np.bool_]:
    """Which points (P, 3; x, y, z in nm) lie in painted voxels, (P,)."""
    index = np.round((points[:, ::-1] - np.array(mask.origin)) / np.array(mask.spacing)).astype(np.int64)
    inside = ((index >= 0) & (index < np.array(mask.shape))).all(axis=1)
    painted = np.zeros(len(points), bool)
    painted[inside] = mask.data[tuple(index[inside].T)] > 0
    return painted
