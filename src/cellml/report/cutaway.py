"""Cutting a tetrahedral mesh open, so that its inside and its elements show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import facet_pairs
from cellml.types import TetMesh

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Pose:
    """Unit vectors (x, y, z) to the right, up and towards the eye of a picture, which make a right-handed frame, and its centre in nm."""

    right: Floats
    up: Floats
    eye: Floats
    centre: Floats

    def turned(self, about_up: float, about_right: float) -> Pose:
        """The pose of an eye that moved to the right and upwards around the centre, by angles in degrees."""
        a, b = np.radians(about_up), np.radians(about_right)
        eye, right = np.cos(a) * self.eye + np.sin(a) * self.right, np.cos(a) * self.right - np.sin(a) * self.eye
        return Pose(right, np.cos(b) * self.up - np.sin(b) * eye, np.cos(b) * eye + np.sin(b) * self.up, self.centre)


def broad_side(mesh: TetMesh) -> Pose:
    """The pose that shows a mesh from its broad side, the longest principal axis to the right, centred where a cut shows most.

    Each axis points to the side where its largest coordinate is positive, which makes the pose of a mesh unique.
    """
    volumes = mesh.volumes()
    middles = mesh.points[mesh.tets].mean(axis=1)
    centre = np.average(middles, axis=0, weights=volumes)
    axes = np.linalg.eigh(((middles - centre) * volumes[:, None]).T @ (middles - centre))[1]
    right, up = (axis if axis[np.abs(axis).argmax()] > 0 else -axis for axis in (axes[:, 2], axes[:, 1]))
    eye = np.cross(right, up)
    return Pose(right, up, eye, centre + eye * _richest_cut((middles - centre) @ eye, volumes, mesh.regions))


def _richest_cut(depth: Floats, volumes: Floats, regions: NDArray[np.int32]) -> float:
    """The depth of the plane that shows all regions best: the largest sum of each region's cross-section as a share of its largest one.

    depth: (T,) of the centroids in nm. Between a quarter and three quarters of the volume lie in front.
    """
    edges = np.linspace(depth.min(), depth.max() + 1e-9, 41)
    slabs = [np.histogram(depth[each], edges, weights=volumes[each])[0] for each in (regions == n for n in np.unique(regions))]
    shown = sum(slab / slab.max() for slab in slabs)
    before = np.cumsum(np.sum(slabs, axis=0)) / volumes.sum()
    allowed = (before >= 0.25) & (before <= 0.75)
    best = int(np.where(allowed, shown, -1.0).argmax()) if allowed.any() else int(np.abs(before - 0.5).argmin())
    return float((edges[best] + edges[best + 1]) / 2)


def behind(mesh: TetMesh, pose: Pose) -> NDArray[np.bool_]:
    """The tetrahedra (T,) whose centroid lies behind the plane through the centre that faces the eye; whole tetrahedra, none cut."""
    kept = (mesh.points[mesh.tets].mean(axis=1) - pose.centre) @ pose.eye <= 0
    return np.asarray(kept if kept.any() else np.ones(len(mesh.tets), bool))


def skin(mesh: TetMesh, kept: NDArray[np.bool_]) -> tuple[Index, Index]:
    """The outer facets (F, 3) of the kept tetrahedra, counter-clockwise seen from outside, and the tetrahedron of each (F,)."""
    chosen = np.flatnonzero(kept)
    pairs = facet_pairs(mesh.tets[chosen])
    outer = pairs.second < 0
    return pairs.facets[outer], chosen[pairs.first[outer]]
