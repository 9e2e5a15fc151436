"""Coordinates of places in a host: how far from the inner frame to the membrane, in which direction, and how deep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.harmonic import coordinate_in
from cellml.shapes.organelles.host import Host, coarser
from cellml.types import Triple

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

MOST_VOXELS = 150_000  # of a frame's grid; coordinates are smooth, and a density need not be finer


@dataclass(frozen=True, eq=False)
class Frame:
    """The places in a host where the centre of an organelle may lie, on a grid of equal voxels.

    points: (V, 3) centres (x, y, z) in nm; harmonic: (V,), 0 at the inner frame and 1 at the membrane; direction: (V, 3) unit vectors from
    the nearest centre of the host, in its own axes; depth: (V,) distance in nm to the membrane, to a solid inner frame and to where the
    host was cut, whichever is nearest; number: (Z, Y, X) of each voxel's row, −1 where there is none; axes: (3, 3), rows are the host's
    principal axes, longest first; spacing, origin: (z, y, x) in nm of the grid.
    """

    points: Floats
    harmonic: Floats
    direction: Floats
    depth: Floats
    number: Index
    axes: Floats
    spacing: Triple
    origin: Triple
    name: str = "host"

    @property
    def voxel_volume(self) -> float:
        """nm³."""
        return float(np.prod(self.spacing))

    def rows_at(self, points: Floats) -> Index:
        """The row of the voxel that each point (N, 3) lies in, −1 for points outside."""
        place = np.round((points[:, ::-1] - np.array(self.origin)) / np.array(self.spacing)).astype(np.int64)
        sound = ((place >= 0) & (place < self.number.shape)).all(axis=1)
        place = np.where(sound[:, None], place, 0)
        return np.asarray(np.where(sound, self.number[tuple(place.T)], -1))


def frame_of(host: Host, most_voxels: int = MOST_VOXELS) -> Frame:
    """The frame of a host, on every n-th voxel so that at most about `most_voxels` lie inside.

    Principal axes are those of the host's voxels; the sign of the first two is that of the third moment along them, so that a host is
    not turned about by its own symmetry unless it has one, and the third makes them right-handed. Raises CellmlError as
    `harmonic_coordinate` does, and where no place is left for a centre.
    """
    step = max(1, int(np.ceil(np.cbrt(host.inside.sum() / most_voxels))))
    steps = tuple(step if n > 2 * step else 1 for n in host.inside.shape)
    coarse = coarser(host, steps)
    inside, inner, spacing, origin = coarse.inside, coarse.inner, coarse.spacing, coarse.origin
    u = coordinate_in(coarse)
    allowed = inside & ~inner if host.solid else inside
    if coarse.window is not None:
        allowed = allowed & coarse.window
    if not allowed.any():
        raise CellmlError(f"{host.name!r} leaves no place for the centre of an organelle.")
    voxels = np.argwhere(allowed)
    points = (voxels * np.array(spacing) + np.array(origin))[:, ::-1]
    axes = host.axes if host.axes is not None else principal_axes((np.argwhere(inside) * np.array(spacing))[:, ::-1])
    number = np.full(inside.shape, -1, np.int64)
    number[allowed] = np.arange(len(voxels))
    depth, directions = _depth(coarse)[allowed], directions_of(points, host.centre, axes)
    return Frame(np.ascontiguousarray(points), u[allowed], directions, depth, number, axes, spacing, origin, host.name)


def principal_axes(points: Floats) -> Floats:
    """Rows are orthonormal axes of points (N, 3), longest first, the first two towards the longer tail (third moment), right-handed."""
    centred = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1].T
    skew = ((centred @ axes.T) ** 3).sum(axis=0)
    axes = axes * np.where(skew < 0, -1.0, 1.0)[:, None]
    axes[2] = np.cross(axes[0], axes[1])
    return np.asarray(axes)


def directions_of(points: Floats, centre: Floats, axes: Floats) -> Floats:
    """Unit vectors from the nearest centre, (3,) or (M, 3), to points (N, 3), in axes (rows); the first axis where both coincide."""
    from scipy.spatial import cKDTree

    centres = np.atleast_2d(centre)
    _, nearest = cKDTree(centres).query(points)
    away = (points - centres[nearest]) @ axes.T
    length = np.linalg.norm(away, axis=1, keepdims=True)
    return np.asarray(np.where(length > 0, away / np.maximum(length, 1e-12), np.array([1.0, 0.0, 0.0])))


def _depth(host: Host) -> Floats:
    """Distance in nm to whatever an organelle may not enter; the border of the volume is such a wall, but not that of a single section."""
    from scipy.ndimage import distance_transform_edt

    open_ = host.inside & ~host.inner if host.solid else host.inside
    margin = [int(n > 1) for n in open_.shape]
    inner = tuple(slice(m, n + m) for m, n in zip(margin, open_.shape, strict=True))
    depth = distance_transform_edt(np.pad(open_, [(m, m) for m in margin]), sampling=host.spacing)[inner]
    thinnest = min(s for s, m in zip(host.spacing, margin, strict=True) if m)
    return np.asarray(np.maximum(depth - 0.5 * thinnest, 0.0))
