"""How far a mesh lies from what it was made of.

Distances run both ways, because each alone hides a fault: from the surface of the mesh to the boundary of the source (a spike, a bubble),
and from the boundary of the source to the surface of the mesh (a lost neck, a filled hole). The source is the staircase of voxel faces of
the labels, or a triangle surface; both are taken as exact geometry. A smooth surface through a staircase is about a quarter of a voxel
away from it on average, and up to √3/2 at a corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cellml.meshing.closest import Pieces, RectanglePieces, TrianglePieces, closest
from cellml.meshing.hausdorff import largest_distance
from cellml.meshing.label_boundary import Rectangles, boundary_faces
from cellml.meshing.surface_samples import SurfaceSamples, sample_triangles
from cellml.types import Labels, Surface

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_SAMPLE_EDGE = 1.5  # longest edge of a small triangle, in voxels (cube root of their volume) or median edges of a source surface
_TOLERANCE = 0.02  # of the unit, at which the search for the largest distance ends


@dataclass(frozen=True)
class DirectedDistance:
    """Distances in nm from all points of one surface to another: area-weighted mean and 99th percentile, and the largest."""

    mean_nm: float
    p99_nm: float
    largest_nm: float


@dataclass(frozen=True)
class SourceDistance:
    """Distances between the boundary of a mesh, or of one region, and that of its source.

    to_source: from the mesh to the source; to_mesh: from the source to the mesh; unit_nm: length of the longest voxel edge, or what was
    given for a source surface; tolerance_nm: by how much the largest distances may be too small.
    """

    to_source: DirectedDistance
    to_mesh: DirectedDistance
    unit_nm: float
    tolerance_nm: float

    @property
    def hausdorff_nm(self) -> float:
        """The larger of the two largest distances."""
        return max(self.to_source.largest_nm, self.to_mesh.largest_nm)

    @property
    def p99_nm(self) -> float:
        """The larger of the two 99th percentiles."""
        return max(self.to_source.p99_nm, self.to_mesh.p99_nm)

    @property
    def mean_nm(self) -> float:
        """The larger of the two means."""
        return max(self.to_source.mean_nm, self.to_mesh.mean_nm)

    def summary(self) -> dict[str, float]:
        """The larger of both directions, in nm and in units."""
        lengths = {"hausdorff": self.hausdorff_nm, "p99": self.p99_nm, "mean": self.mean_nm}
        return {f"{n}_nm": d for n, d in lengths.items()} | {f"{n}_units": d / self.unit_nm for n, d in lengths.items()}


def distance_to_labels(points: Floats, faces: Index, mask: NDArray[np.bool_], labels: Labels, *, thorough: bool = True) -> SourceDistance:
    """Distance between a triangle surface and the voxel faces around a mask.

    points: (P, 3), columns (x, y, z) in nm; faces: (F, 3); mask: (Z, Y, X) in the frame of `labels`, not empty. The faces are those
    between the mask and all else, the border of the volume included, so that a plane cut is compared with the plane it lies on.
    thorough: seek the largest distances, not only those of the samples.
    """
    rectangles = boundary_faces(mask, labels)
    mesh = _Side.of_triangles(points[faces], _SAMPLE_EDGE * float(np.cbrt(np.prod(labels.spacing))))
    return _between(mesh, _Side.of_rectangles(rectangles), unit=max(labels.spacing), thorough=thorough)


def distance_to_surface(
    points: Floats, faces: Index, source: Surface, *, unit_nm: float | None = None, thorough: bool = True
) -> SourceDistance:
    """Distance between a triangle surface, points (P, 3) in nm and faces (F, 3), and a source surface that has faces.

    unit_nm: in which distances are also stated, and fine against the shape; the median edge of the source where None; thorough: as above.
    """
    corners = source.vertices[source.faces]
    unit = float(np.median(np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2))) if unit_nm is None else unit_nm
    mesh, other = (_Side.of_triangles(part, _SAMPLE_EDGE * unit) for part in (points[faces], corners))
    return _between(mesh, other, unit=unit, thorough=thorough)


def boundary_beyond(points: Floats, faces: Index, mask: NDArray[np.bool_], labels: Labels, beyond_nm: float) -> Floats:
    """Centres (N, 3; x, y, z in nm) of the voxel faces around a mask that lie further than `beyond_nm` from a triangle surface.

    The rest as in `distance_to_labels`.
    """
    rectangles = boundary_faces(mask, labels)
    mesh = _Side.of_triangles(points[faces], _SAMPLE_EDGE * float(np.cbrt(np.prod(labels.spacing))))
    distance, _ = closest(mesh.pieces, rectangles.centres, mesh.tree)
    return rectangles.centres[distance > beyond_nm]


@dataclass(frozen=True, eq=False)
class _Side:
    """One of the two surfaces: pieces to measure to, and points to measure from, each with its area and its reach."""

    pieces: Pieces
    tree: cKDTree
    points: Floats
    areas: Floats
    reach: Floats
    source: SurfaceSamples | Rectangles

    @classmethod
    def of_triangles(cls, corners: Floats, edge: float) -> _Side:
        small = sample_triangles(corners, edge)
        pieces = TrianglePieces(corners, small.centroids, small.owner, small.reach)
        return cls(pieces, cKDTree(small.centroids), small.centroids, small.areas, small.reach, small)

    @classmethod
    def of_rectangles(cls, rectangles: Rectangles) -> _Side:
        pieces = RectanglePieces(rectangles)
        reach = np.linalg.norm(rectangles.halves, axis=1)
        return cls(pieces, cKDTree(rectangles.centres), rectangles.centres, rectangles.areas, reach, rectangles)

    def triangles(self, chosen: Index) -> tuple[Floats, Index]:
        """Corners (S, 3, 3) of the small triangles around the chosen points, and the point each belongs to, (S,)."""
        if isinstance(self.source, Rectangles):
            return Rectangles(self.source.centres[chosen], self.source.halves[chosen]).triangles(), np.concatenate([chosen, chosen])
        return self.source.corners[chosen], chosen


def _between(mesh: _Side, source: _Side, *, unit: float, thorough: bool) -> SourceDistance:
    to_source, slack = _directed(mesh, source, _TOLERANCE * unit, thorough=thorough)
    to_mesh, other_slack = _directed(source, mesh, _TOLERANCE * unit, thorough=thorough)
    return SourceDistance(to_source, to_mesh, unit, max(slack, other_slack))


def _directed(start: _Side, end: _Side, tolerance: float, *, thorough: bool) -> tuple[DirectedDistance, float]:
    distance, near = closest(end.pieces, start.points, end.tree)
    weight = start.areas if start.areas.sum() > 0 else np.ones(len(distance))
    order = np.argsort(distance)
    rank = np.cumsum(weight[order])
    p99 = float(distance[order[min(int(np.searchsorted(rank, 0.99 * rank[-1])), len(order) - 1)]])
    mean = float(np.average(distance, weights=weight))
    if not thorough:
        return DirectedDistance(mean, p99, float(distance.max())), float(start.reach.max())
    corners, point = start.triangles(np.flatnonzero(distance + start.reach > float(distance.max())))
    largest, slack = largest_distance(corners, distance[point], near[point], end.pieces, end.tree, tolerance=tolerance)
    return DirectedDistance(mean, p99, largest), slack
