"""A tetrahedral mesh as an image of region numbers, for programs that want voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.domain import UM_PER_NM
from cellml.sim.ends import PLANES
from cellml.types import TetMesh

_AT_ONCE = 2_000_000  # voxels tested at once: temporary arrays of some tens of megabytes


@dataclass(frozen=True, eq=False)
class Image:
    """regions: (X, Y, Z) region number of each voxel's centre, 0 outside; low, high: corners (x, y, z) of the image in µm."""

    regions: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Edges (x, y, z) of a voxel in µm."""
        return np.asarray((self.high - self.low) / self.regions.shape)

    def centre(self, voxel: NDArray[np.int64]) -> NDArray[np.float64]:
        """Centre (x, y, z) of a voxel in µm."""
        return np.asarray(self.low + (voxel + 0.5) * self.spacing)


def sample(mesh: TetMesh, voxels: int) -> Image:
    """Sample a mesh with `voxels` along its longest axis, and one empty voxel around it.

    On sides where the image cut the object (facets named cut_x0, …) the mesh ends at the face of the image, so that the cut is sealed.
    """
    points = mesh.points * UM_PER_NM
    low, high = points.min(axis=0), points.max(axis=0)
    h = float((high - low).max()) / voxels
    inner = np.maximum(np.round((high - low) / h).astype(int), 1)
    spacing = (high - low) / inner
    present = {mesh.facet_names.get(int(n), "").partition("/")[0] for n in np.unique(mesh.facet_tags)} & set(PLANES)
    before = np.array([f"cut_{axis}0" not in present for axis in "xyz"], int)
    after = np.array([f"cut_{axis}1" not in present for axis in "xyz"], int)
    regions = np.zeros(inner + before + after, np.int64)
    low, high = low - before * spacing, high + after * spacing
    _fill(regions, (points[mesh.tets] - low) / spacing - 0.5, mesh.regions)
    return Image(regions, low, high)


def _fill(image: NDArray[np.int64], corners: NDArray[np.float64], regions: NDArray[np.int32]) -> None:
    """Set the voxels whose centres lie in tetrahedra; corners: (T, 4, 3) in voxels, centres at whole numbers."""
    first = np.maximum(np.ceil(corners.min(axis=1) - 1e-9).astype(np.int64), 0)
    last = np.minimum(np.floor(corners.max(axis=1) + 1e-9).astype(np.int64), np.array(image.shape) - 1)
    size = last - first + 1
    edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    inverse = np.linalg.inv(edges)
    kinds, kind = np.unique(size, axis=0, return_inverse=True)
    for number, extent in enumerate(kinds):
        if (extent < 1).any():
            continue
        chosen = np.flatnonzero(kind.ravel() == number)
        offsets = np.stack(np.meshgrid(*(np.arange(n) for n in extent), indexing="ij"), axis=-1).reshape(-1, 3)
        for part in np.array_split(chosen, len(chosen) * len(offsets) // _AT_ONCE + 1):
            voxel = first[part][:, None, :] + offsets[None]
            weights = np.einsum("tij,tvj->tvi", inverse[part], voxel - corners[part, :1])
            inside = (weights >= -1e-9).all(axis=2) & (weights.sum(axis=2) <= 1 + 1e-9)
            x, y, z = voxel[inside].T
            image[x, y, z] = np.broadcast_to(regions[part][:, None], inside.shape)[inside]
