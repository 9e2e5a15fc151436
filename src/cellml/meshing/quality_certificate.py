"""What a certificate states about the shape of tetrahedra and facets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.distribution import Distribution, distribution
from cellml.meshing.quality import dihedral_angles, radius_ratio, surface_angles
from cellml.meshing.topology import Index, edges_of

Floats = NDArray[np.float64]

SMALL_DIHEDRAL_DEG = 10.0
SURFACE_RANGE_DEG = (20.0, 130.0)


@dataclass(frozen=True)
class TetQuality:
    """Shapes of tetrahedra: dihedral angles in degrees, radius ratio 3 r_in / r_circ, edges in nm.

    share_below_10_deg: share of tetrahedra whose smallest dihedral angle is below 10°.
    """

    tets: int
    dihedral_min_deg: float
    dihedral_p1_deg: float
    dihedral_median_deg: float
    dihedral_max_deg: float
    share_below_10_deg: float
    radius_ratio_min: float
    radius_ratio_p1: float
    radius_ratio_median: float
    edge_min_nm: float
    edge_median_nm: float
    edge_max_nm: float
    dihedral: Distribution
    radius_ratio: Distribution
    edge: Distribution


@dataclass(frozen=True)
class FacetQuality:
    """Shapes of triangles: their corner angles in degrees; share_outside_range: share of angles outside 20–130°."""

    facets: int
    area_nm2: float
    angle_min_deg: float
    angle_p1_deg: float
    angle_median_deg: float
    angle_max_deg: float
    share_outside_range: float
    angle: Distribution


class TetShapes:
    """Angles, radius ratios and edges of all tetrahedra of a mesh, measured once and summed up for any part of it."""

    def __init__(self, points: Floats, tets: Index) -> None:
        """points: (P, 3) in nm; tets: (T, 4), positive."""
        self._dihedral = dihedral_angles(points, tets)
        self._ratio = radius_ratio(points, tets)
        edges, self._edge_of = edges_of(tets)
        self._length = np.linalg.norm(points[edges[:, 1]] - points[edges[:, 0]], axis=1)

    def below(self, degrees: float) -> int:
        """How many tetrahedra have a dihedral angle below so many degrees."""
        return int((self._dihedral.min(axis=1) < degrees).sum())

    def of(self, part: NDArray[np.bool_] | slice = slice(None)) -> TetQuality:
        """Quality of some tetrahedra, at least one; an edge that several of them share counts once."""
        dihedral, ratio = self._dihedral[part], self._ratio[part]
        used = np.zeros(len(self._length), bool)
        used[self._edge_of[part].ravel()] = True
        length = self._length[used]
        low, p1, median, high = np.percentile(dihedral, (0, 1, 50, 100))
        return TetQuality(
            tets=len(ratio),
            dihedral_min_deg=float(low),
            dihedral_p1_deg=float(p1),
            dihedral_median_deg=float(median),
            dihedral_max_deg=float(high),
            share_below_10_deg=float((dihedral.min(axis=1) < SMALL_DIHEDRAL_DEG).mean()),
            radius_ratio_min=float(ratio.min()),
            radius_ratio_p1=float(np.percentile(ratio, 1)),
            radius_ratio_median=float(np.median(ratio)),
            edge_min_nm=float(length.min()),
            edge_median_nm=float(np.median(length)),
            edge_max_nm=float(length.max()),
            dihedral=distribution(dihedral, "°", 0.0, 180.0),
            radius_ratio=distribution(ratio, "", 0.0, 1.0),
            edge=distribution(length, "nm", 0.0, float(length.max())),
        )


def facet_quality(points: Floats, facets: Index) -> FacetQuality:
    """Quality of triangles, at least one; points: (P, 3) in nm; facets: (F, 3)."""
    angles = surface_angles(points, facets)
    low, p1, median, high = np.percentile(angles, (0, 1, 50, 100))
    a, b, c = (points[facets[:, i]] for i in range(3))
    return FacetQuality(
        facets=len(facets),
        area_nm2=float(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()),
        angle_min_deg=float(low),
        angle_p1_deg=float(p1),
        angle_median_deg=float(median),
        angle_max_deg=float(high),
        share_outside_range=float(((angles < SURFACE_RANGE_DEG[0]) | (angles > SURFACE_RANGE_DEG[1])).mean()),
        angle=distribution(angles, "°", 0.0, 180.0),
    )
