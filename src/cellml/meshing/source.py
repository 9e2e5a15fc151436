"""What a mesh was made of, for comparison: labels cut into regions, or a closed surface."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from cellml.meshing.crop import moved_origin
from cellml.meshing.topology import surface_topology, voxel_euler_number
from cellml.types import Labels, Surface


@dataclass(frozen=True)
class SourceRegion:
    """A region before meshing: its voxels (None for a surface), its volume in nm³, components and Euler number of its boundary surface.

    Components of voxels are those connected through faces; their Euler number is that of such voxels.
    """

    voxels: int | None
    volume_nm3: float
    components: int
    euler: int


def regions_of_labels(labels: Labels, numbers: Iterable[int]) -> dict[int, Labels]:
    """The bounding box of each number that has a voxel, as a mask (label 1) in its place in space."""
    wanted = np.array(sorted(set(numbers)), np.int64)
    if len(wanted) == 0:
        return {}
    place = np.searchsorted(wanted, labels.data)
    compact = np.where(wanted[np.minimum(place, len(wanted) - 1)] == labels.data, place + 1, 0).astype(np.int32)
    crops = {}
    for index, box in enumerate(ndimage.find_objects(compact), start=1):
        if box is not None:
            first = np.array([part.start for part in box])
            crops[int(wanted[index - 1])] = replace(labels, data=compact[box] == index, origin=moved_origin(labels, first), names={})
    return crops


def source_of_mask(mask: Labels) -> SourceRegion:
    """The voxels of label 1."""
    voxels = int((mask.data == 1).sum())
    components = int(ndimage.label(mask.data == 1)[1])
    return SourceRegion(voxels, voxels * float(np.prod(mask.spacing)), components, voxel_euler_number(mask.data == 1))


def source_of_surface(surface: Surface) -> SourceRegion:
    """A closed surface, oriented outwards."""
    topology = surface_topology(surface.faces)
    return SourceRegion(None, surface.volume(), topology.components, topology.euler)
