"""Meshes of shapes on which diffusion has a closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellml.types import TetMesh, Triple

# Splits a prism with bottom a < b < c and top a', b', c' (numbers 0–5) into tetrahedra; prisms that share a face split it alike.
_PRISM = np.array([[0, 1, 2, 5], [0, 1, 4, 5], [0, 3, 4, 5]])


def box(size: Triple, cells: tuple[int, int, int], *, cuts: Sequence[str] = ()) -> TetMesh:
    """A box [0, x] × [0, y] × [0, z].

    size: (x, y, z) in nm; cells: number of hexahedra along (x, y, z), each cut into five or six tetrahedra; cuts: faces that are open, of
    "x0", "x1", "y0", "y1", "z0", "z1", named cut_x0 and so on; the rest is named membrane.
    """
    from skfem import MeshTet

    axes = [np.linspace(0.0, length, n + 1) for length, n in zip(size, cells, strict=True)]
    mesh = MeshTet.init_tensor(*axes)
    return with_named_boundary(mesh.p.T, mesh.t.T, cuts=cuts, name="box")


def ball(radius: float, refinements: int) -> TetMesh:
    """A ball around the origin, all its surface named membrane. radius in nm; refinements ≥ 1, each has eight times the tetrahedra."""
    from skfem import MeshTet

    mesh = MeshTet.init_ball(refinements)
    return with_named_boundary(mesh.p.T * radius, mesh.t.T, name="ball")


def cylinder(radius: float, length: float, *, refinements: int, layers: int, cuts: Sequence[str] = ("z0", "z1")) -> TetMesh:
    """A cylinder along z from 0 to length (nm): a triangulated disk (refinements) extruded in layers of prisms."""
    from skfem import MeshTri

    disk = MeshTri.init_circle(refinements)
    count = disk.p.shape[1]
    heights = np.repeat(np.linspace(0.0, length, layers + 1), count)
    points = np.column_stack([np.tile(disk.p.T * radius, (layers + 1, 1)), heights])
    bottom = np.sort(disk.t.T, axis=1)
    prisms = np.concatenate([np.hstack([bottom + k * count, bottom + (k + 1) * count]) for k in range(layers)])
    return with_named_boundary(points, prisms[:, _PRISM].reshape(-1, 4), cuts=cuts, name="cylinder")


def with_named_boundary(points: NDArray[np.float64], tets: NDArray[np.int64], *, cuts: Sequence[str] = (), name: str = "mesh") -> TetMesh:
    """Orient tetrahedra (T, 4) and name their boundary: cut_x0 … for the faces of the bounding box listed in cuts, membrane elsewhere."""
    tets = oriented(points, tets)
    facets = boundary(tets)
    tags, names = np.ones(len(facets), np.int32), {1: "membrane"}
    low, high = points.min(axis=0), points.max(axis=0)
    for tag, cut in enumerate(cuts, start=2):
        axis, plane = "xyz".index(cut[0]), (low, high)[int(cut[1])]["xyz".index(cut[0])]
        on_plane = np.isclose(points[facets][:, :, axis], plane, atol=1e-9 * float((high - low).max())).all(axis=1)
        tags[on_plane] = tag
        names[tag] = f"cut_{cut}"
    return TetMesh(points, tets, np.ones(len(tets), np.int32), {1: "cell"}, facets, tags, names, name)


def oriented(points: NDArray[np.float64], tets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same tetrahedra (T, 4) with positive volume."""
    a, b, c, d = (points[tets[:, i]] for i in range(4))
    inverted = np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) < 0
    turned = np.array(tets, dtype=np.int64)
    turned[inverted] = turned[inverted][:, [1, 0, 2, 3]]
    return turned


def boundary(tets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Triangles that belong to one tetrahedron only, (F, 3), counter-clockwise seen from outside."""
    faces = np.concatenate([tets[:, [1, 2, 3]], tets[:, [0, 3, 2]], tets[:, [0, 1, 3]], tets[:, [0, 2, 1]]])
    _, first, counts = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    return np.asarray(faces[np.sort(first[counts == 1])])
