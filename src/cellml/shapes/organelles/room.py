"""The room that is left in a host while it is filled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.signed_distance import sample_linear
from cellml.shapes.organelles.host import Host
from cellml.types import Surface

Floats = NDArray[np.float64]


class Room:
    """Distances to all that an organelle may not enter, kept up to date, and the labels of those that are placed.

    clear: (Z, Y, X) float32, nm to the membrane, the nucleus, the border of the volume and the organelles placed so far, 0 within them;
    exact to about half a voxel, and not more than `reach` from an organelle. labels: (Z, Y, X) int32, the number of each organelle.
    """

    def __init__(self, host: Host) -> None:
        from scipy.ndimage import distance_transform_edt

        self.spacing, self.origin = np.array(host.spacing), np.array(host.origin)
        open_ = np.pad(host.inside & ~host.inner if host.solid else host.inside, 1)
        distance = distance_transform_edt(open_, sampling=host.spacing)[1:-1, 1:-1, 1:-1]
        self.clear = np.maximum(distance - 0.5 * min(host.spacing), 0).astype(np.float32)
        self.open = open_[1:-1, 1:-1, 1:-1]
        self.labels = np.zeros(host.inside.shape, np.int32)

    def at(self, points: Floats) -> Floats:
        """Clear distance in nm at points (N, 3), 0 outside of the grid."""
        place = (points[:, ::-1] - self.origin) / self.spacing
        within = ((place >= -0.5) & (place <= np.array(self.clear.shape) - 0.5)).all(axis=1)
        return np.asarray(np.where(within, sample_linear(self.clear, place), 0.0))

    def voxels_of(self, surface: Surface) -> tuple[tuple[slice, ...], NDArray[np.bool_]]:
        """The box (z, y, x) around a surface, and the voxels in it whose centres it holds; the nearest one where it holds none."""
        box, held, points = held_voxels(surface, self.labels.shape, self.spacing, self.origin)
        if not held.any():
            held.flat[int(np.linalg.norm(points - surface.vertices.mean(axis=0), axis=1).argmin())] = True
        return box, held

    def is_free(self, box: tuple[slice, ...], held: NDArray[np.bool_]) -> bool:
        """Whether all voxels are in the host and taken by no organelle."""
        return bool((self.open[box] & (self.labels[box] == 0))[held].all())

    def take(self, number: int, box: tuple[slice, ...], held: NDArray[np.bool_], reach: float) -> None:
        """Label the voxels of an organelle and bring distances within `reach` nm of it up to date."""
        from scipy.ndimage import distance_transform_edt

        self.labels[box][held] = number
        margins = [int(m) + 1 for m in np.ceil(reach / self.spacing)]
        wide = tuple(slice(max(part.start - m, 0), part.stop + m) for part, m in zip(box, margins, strict=True))
        taken = self.labels[wide] == number
        distance = distance_transform_edt(~taken, sampling=self.spacing) - 0.5 * self.spacing.min()
        np.minimum(self.clear[wide], np.maximum(distance, 0), out=self.clear[wide], casting="same_kind")


def held_voxels(
    surface: Surface, shape: Sequence[int], spacing: Floats, origin: Floats
) -> tuple[tuple[slice, ...], NDArray[np.bool_], Floats]:
    """The box around a closed surface in a grid, which voxels of it have their centres inside, and the centres (N, 3), x, y, z in nm.

    shape: (Z, Y, X); spacing, origin: (z, y, x) in nm. A surface beside the grid gets the nearest voxels of its border, none of them held.
    """
    from cellml.surfaces.winding import winding_number

    most = np.array(shape) - 1
    low, high = surface.vertices.min(axis=0)[::-1], surface.vertices.max(axis=0)[::-1]
    first = np.clip(np.floor((low - origin) / spacing).astype(int), 0, most)
    last = np.maximum(np.clip(np.ceil((high - origin) / spacing).astype(int), 0, most), first)
    size = tuple((last - first + 1).tolist())
    place = np.indices(size).reshape(3, -1).T + first
    points = np.ascontiguousarray((place * spacing + origin)[:, ::-1])
    held = winding_number(surface.vertices, surface.faces, points) >= 0.5
    return tuple(slice(int(a), int(b) + 1) for a, b in zip(first, last, strict=True)), held.reshape(size), points
