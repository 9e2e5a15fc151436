"""Named parts of membranes: a postsynaptic density, a painted field, carried from voxels through remeshing to facets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cellml.errors import CellmlError
from cellml.meshing.facets import Facets, is_cut
from cellml.meshing.signed_distance import sample_linear, smooth_signed_distance
from cellml.meshing.topology import Index
from cellml.types import Labels

Floats = NDArray[np.float64]

_BASE = 1_000_000  # patch p of tag t is carried as p · base + t


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
        """Patch of each facet, 0 for none, (F,): facets with their middle within a voxel, of the mask or the shapes, of painted ones.

        Plane cuts have none.
        """
        patch = np.zeros(len(facets), np.int64)
        middle = points[facets].mean(axis=1)
        for number, mask in enumerate(self.masks, start=1):
            spacing = np.array(mask.spacing)
            distance = np.pad(mask.data > 0, 2)
            signed = smooth_signed_distance(distance, mask.spacing, smoothing=0.7)
            index = (middle[:, ::-1] - np.array(mask.origin)) / spacing + 2
            inside = ((index >= 0) & (index <= np.array(signed.shape) - 1)).all(axis=1)
            near = np.zeros(len(facets), bool)
            near[inside] = sample_linear(signed, index[inside]) <= max(float(spacing.max()), self.detail_nm)
            patch[near & ~is_cut(tags)] = number
        return patch

    def encode(self, tags: NDArray[np.int32], patches: NDArray[np.int64]) -> NDArray[np.int64]:
        """One number for tag and patch."""
        return np.asarray(patches * _BASE + tags, np.int64)

    def decode(self, codes: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Tags and patches of numbers made by `encode`."""
        return (codes % _BASE).astype(np.int32), codes // _BASE

    def carried(self, facets: Facets, points: Floats, middles: Floats, patches: NDArray[np.int64]) -> Facets:
        """Facets that take the patch of the nearest facet of another mesh, whose middles (N, 3) and patches (N,) are given."""
        _, nearest = cKDTree(middles).query(points[facets.facets].mean(axis=1))
        patch = np.where(is_cut(facets.tags), 0, patches[nearest])
        first = max(facets.names) + 1
        tags = np.where(patch > 0, first + patch - 1, facets.tags).astype(np.int32)
        present = set(tags.tolist())
        names = {**facets.names} | {first + i: name for i, name in enumerate(self.names)}
        lost = [name for i, name in enumerate(self.names) if first + i not in present]
        if lost:
            raise CellmlError(f"Patch {lost[0]!r} lies on no membrane of this mesh; its voxels must touch one, in the same frame.")
        return Facets(facets.facets, tags, {tag: name for tag, name in names.items() if tag in present})


def patches_of(masks: Mapping[str, Labels], detail_nm: float) -> Patches:
    """Patches from masks by name, for shapes sampled every `detail_nm`. Raises CellmlError for a mask without a voxel."""
    for name, mask in masks.items():
        if not (mask.data > 0).any():
            raise CellmlError(f"The mask of patch {name!r} has no voxel above 0.")
    return Patches(tuple(masks), tuple(masks.values()), detail_nm)
