"""A mesh cut by a plane: the flat section and the outer surface behind it, with everything between nodes interpolated linearly.

Every vertex lies on an edge (i, j) of the mesh at p = (1 − s) p_i + s p_j, so that P1 fields are exact on it: v = (1 − s) v_i + s v_j.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import facet_pairs
from cellml.types import TetMesh

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cut:
    """ends: (V, 2) points of the mesh on either side of each vertex, which may be equal; share: (V,) s; faces: (F, 3) vertices,
    counter-clockwise seen from outside; tet: (F,) the tetrahedron behind each face.
    """

    ends: Index
    share: Floats
    faces: Index
    tet: Index

    def at_vertices(self, values: NDArray[np.floating]) -> Floats:
        """Nodal values (P, …) at the vertices, (V, …)."""
        s = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray((1.0 - s) * values[self.ends[:, 0]] + s * values[self.ends[:, 1]])


def cut_by_plane(mesh: TetMesh, centre: Floats, normal: Floats) -> Cut:
    """What is left of a mesh where (p − centre) · normal ≤ 0. centre, normal: (3,), in nm."""
    height = (mesh.points - centre) @ normal
    height = np.where(np.abs(height) < 1e-9 * np.ptp(height), -1e-9 * np.ptp(height), height)  # no vertex on the plane itself
    pairs = facet_pairs(mesh.tets)
    outer = np.flatnonzero(pairs.second < 0)
    skin = _clipped(pairs.facets[outer], pairs.first[outer], height)
    section = _section(mesh, height, normal)
    corners = np.concatenate([skin[0], section[0]])
    tet = np.concatenate([skin[1], section[1]])
    # One number for each vertex: the two points and, through them, the share.
    flat = np.sort(corners.reshape(-1, 2), axis=1)
    ends, faces = np.unique(flat, axis=0, return_inverse=True)
    below, above = height[ends[:, 0]], height[ends[:, 1]]
    share = np.divide(below, below - above, out=np.zeros(len(ends)), where=ends[:, 0] != ends[:, 1])
    return Cut(ends, share, faces.reshape(-1, 3), tet)


def whole(triangles: Index) -> Cut:
    """Triangles (F, 3) of points of the mesh as they are, from both sides."""
    nodes, faces = np.unique(triangles, return_inverse=True)
    faces = faces.reshape(-1, 3)
    both = np.concatenate([faces, faces[:, ::-1]])
    return Cut(np.stack([nodes, nodes], axis=1), np.zeros(len(nodes)), both, np.full(len(both), -1))


def _clipped(facets: Index, tet: Index, height: Floats) -> tuple[Index, Index]:
    """Corners (F, 3, 2) of the parts of triangles below the plane, each a pair of points, and the tetrahedron of each."""
    above = height[facets] > 0
    count = above.sum(axis=1)
    kept = np.stack([facets[count == 0]] * 2, axis=2)
    parts, owners = [kept], [tet[count == 0]]
    # Turned so that the odd corner, the only one above or the only one below, comes first.
    for odd, number in ((True, 1), (False, 2)):
        chosen = count == number
        first = (above[chosen] == odd).argmax(axis=1)
        a, b, c = (np.take_along_axis(facets[chosen], ((first + k) % 3)[:, None], axis=1)[:, 0] for k in range(3))
        ab, ac = np.stack([a, b], axis=1), np.stack([a, c], axis=1)
        aa, bb, cc = (np.stack([x, x], axis=1) for x in (a, b, c))
        triangles = [(ab, bb, cc), (ab, cc, ac)] if odd else [(aa, ab, ac)]
        parts += [np.stack(t, axis=1) for t in triangles]
        owners += [tet[chosen]] * len(triangles)
    return np.concatenate(parts), np.concatenate(owners)


def _section(mesh: TetMesh, height: Floats, normal: Floats) -> tuple[Index, Index]:
    """Corners (F, 3, 2) of the polygons in which the plane meets the tetrahedra, and the tetrahedron of each."""
    order = np.argsort(height[mesh.tets], axis=1)
    tets = np.take_along_axis(mesh.tets, order, axis=1)
    above = (height[tets] > 0).sum(axis=1)
    parts, owners = [], []
    for number, triangles in ((1, [((0, 3), (1, 3), (2, 3))]), (3, [((0, 1), (0, 2), (0, 3))])):
        parts += [tets[above == number][:, t] for t in np.array(triangles)]
        owners += [np.flatnonzero(above == number)]
    quad = ((0, 2), (0, 3), (1, 3), (1, 2))  # round the four-sided section between the two lower and the two upper corners
    for triangle in ((quad[0], quad[1], quad[2]), (quad[0], quad[2], quad[3])):
        parts.append(tets[above == 2][:, np.array(triangle)])
        owners.append(np.flatnonzero(above == 2))
    corners = np.concatenate(parts)
    a, b, c = (_place(mesh.points, corners[:, k], height) for k in range(3))
    turned = np.einsum("ij,j->i", np.cross(b - a, c - a), normal) < 0
    corners[turned] = corners[turned][:, ::-1]
    return corners, np.concatenate(owners)


def _place(points: Floats, ends: Index, height: Floats) -> Floats:
    below, above = height[ends[:, 0]], height[ends[:, 1]]
    s = (below / (below - above))[:, None]
    return np.asarray((1.0 - s) * points[ends[:, 0]] + s * points[ends[:, 1]])
