"""The box that is meshed: one or several labels, the walls of the image that cut them, and background tetrahedra around them.

Where an object touches a wall of its image it goes on beyond. Its voxels are therefore repeated outwards before distances are taken, and
the background lattice ends exactly at the wall (half a voxel outside the last voxel centre): the mesh is cut there by a plane, not rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.crop import bounding_box
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.signed_distance import sample_linear, smooth_signed_distance
from cellml.meshing.topology import Index
from cellml.types import Labels

Floats = NDArray[np.float64]

_MARGIN = 4  # voxels of distance kept around the object: beyond the reach of the smoothing and of the iso-shift


@dataclass(frozen=True, eq=False)
class Domain:
    """Labels to be meshed, with the walls that cut them.

    data: (Z, Y, X) labels inside the bounding box, repeated or padded by the margin; origin: centre of its first voxel, (3,) zyx, nm;
    spacing: (3,) zyx, nm; inside: the slices of the bounding box within data; low, high: (3,) corners of the meshed box, zyx, nm; walls:
    (3, 2) whether the low and the high wall along each axis cut the labels.
    """

    data: NDArray[np.int64]
    origin: Floats
    spacing: Floats
    inside: tuple[slice, slice, slice]
    low: Floats
    high: Floats
    walls: NDArray[np.bool_]

    @property
    def voxel_volume(self) -> float:
        """Volume of a voxel in nm³."""
        return float(self.spacing.prod())

    @property
    def voxel_nm(self) -> float:
        """Cube root of the voxel volume in nm: the voxel size where one number is wanted."""
        return float(np.cbrt(self.voxel_volume))

    def count(self, label: int | None = None) -> int:
        """Voxels of a label (of any label if None) in the image."""
        part = self.data[self.inside]
        return int((part > 0).sum() if label is None else (part == label).sum())

    def distance(self, mask: NDArray[np.bool_], smoothing: float) -> Floats:
        """Smooth signed distance (nm, negative inside) of a mask over `data`, at its voxels."""
        z, y, x = (float(s) for s in self.spacing)
        return smooth_signed_distance(mask, (z, y, x), smoothing=smoothing)

    def sample(self, field: Floats, points: Floats) -> Floats:
        """Trilinear values (P,) of a field over the voxels of `data` at points (P, 3) with columns (x, y, z) in nm."""
        return sample_linear(field, (points[:, ::-1] - self.origin) / self.spacing)


def domain_of(labels: Labels, *, cut_faces: bool) -> Domain:
    """The box around the foreground of labels.

    cut_faces: whether labels that touch the border of the image are cut there; otherwise they are closed as if nothing followed.
    """
    data, spacing, origin = labels.data, np.array(labels.spacing), np.array(labels.origin)
    first, last = bounding_box(data > 0)
    walls = np.stack([first == 0, last == np.array(data.shape)], axis=1) & cut_faces
    part = data[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
    inside = tuple(slice(_MARGIN, _MARGIN + n) for n in part.shape)
    for axis, side in product(range(3), (0, 1)):
        width = [(0, 0)] * 3
        width[axis] = (_MARGIN, 0) if side == 0 else (0, _MARGIN)
        part = np.pad(part, width, mode="edge" if walls[axis, side] else "constant")
    wall_low, wall_high = origin + (first - 0.5) * spacing, origin + (last - 0.5) * spacing
    free = (_MARGIN - 1) * spacing
    return Domain(
        data=part,
        origin=origin + (first - _MARGIN) * spacing,
        spacing=spacing,
        inside=(inside[0], inside[1], inside[2]),
        low=np.where(walls[:, 0], wall_low, wall_low - free),
        high=np.where(walls[:, 1], wall_high, wall_high + free),
        walls=walls,
    )


def background(domain: Domain, union: Floats, step: float) -> tuple[Floats, Index, NDArray[np.int64]]:
    """Body-centred cubic tetrahedra of about `step` nm that cover the foreground of the domain.

    union: signed distance of the foreground over the voxels of the domain, nm.
    Returns points (P, 3), columns (x, y, z) in nm; tets (T, 4); and held (P,): bit 2·axis + side is set where a point lies on a wall that
    cuts the labels.
    """
    size = domain.high - domain.low
    cubes = np.maximum(np.round(size / step), 1).astype(int)
    edge = size / cubes
    centres = [domain.low[axis] + (np.arange(cubes[axis]) + 0.5) * edge[axis] for axis in range(3)]
    grid = np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1).reshape(-1, 3)
    distance = domain.sample(union, grid[:, ::-1]).reshape(tuple(cubes))
    # A cube is kept if it, or a neighbour through a face, may hold the surface: half a diagonal, one step, and room for the iso-shift.
    keep = distance <= (0.5 * np.sqrt(3) + 1.0) * edge.max() + 0.5 * domain.spacing.max()
    points, tets = body_centred_cubic(domain.low, domain.high, keep)
    return points, tets, held_by_walls(domain, points)


def held_by_walls(domain: Domain, points: Floats) -> NDArray[np.int64]:
    """Bits 2·axis + side of the cutting walls that points (P, 3; x, y, z in nm) lie on exactly, (P,)."""
    held = np.zeros(len(points), np.int64)
    for axis, side in product(range(3), (0, 1)):
        if domain.walls[axis, side]:
            plane = domain.high[axis] if side else domain.low[axis]
            held[points[:, 2 - axis] == plane] |= 1 << (2 * axis + side)
    return held
