"""The cut grid as a certified tetrahedral mesh, and as surfaces for losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.meshhead.cut import CutGrid
from cellml.meshhead.grid import BackgroundGrid
from cellml.meshing.certificate import certify
from cellml.meshing.errors import MeshingError
from cellml.meshing.facets import surface_facets, tagged_facets
from cellml.meshing.goal import Goal
from cellml.meshing.mesher import MeshResult
from cellml.meshing.polish import polish
from cellml.meshing.topology import Index, facet_components
from cellml.meshops.batch import MeshBatch, mesh_batch
from cellml.types import TetMesh

Floats = NDArray[np.float64]

_ON_WALL = 1e-9  # cubes
_GOAL = Goal(10.5, 20.5, 129.5)  # of the quality pass
_REACH = 0.1  # cubes by which it may move a surface
_BY_CONSTRUCTION = ("none: closed, manifold and free of crossings by construction",)


def mesh_of(grid: BackgroundGrid, made: CutGrid, names: Mapping[int, str], *, name: str = "mesh") -> TetMesh:
    """The tetrahedra of all labels but 0, with regions and interfaces by name.

    names: of labels; an interface is called `a|b`, what borders on label 0 `membrane`, what lies in a wall of the grid `cut_x0` and so on.
    Raises MeshingError where the whole grid has label 0: an empty prediction has no mesh.
    """
    inside = made.cells.regions != 0
    if not inside.any():
        raise MeshingError(
            f"{name!r} is empty: no vertex of the grid lies inside a compartment, so there is no mesh. Check that the image is what the "
            "checkpoint was trained for: its polarity (whether membranes are dark), its voxel size, its kind of specimen. What is thinner "
            f"than a cube of the grid ({float(grid.step.max()):.3g} nm) is not found either."
        )
    used, tets = np.unique(made.cells.tets[inside].cpu().numpy(), return_inverse=True)
    points = made.points.detach().cpu().numpy()[used]
    regions = made.cells.regions[inside].cpu().numpy().astype(np.int32)
    return _assembled(grid, points, tets.reshape(-1, 4), regions, names, name)


def _assembled(
    grid: BackgroundGrid, points: Floats, tets: Index, regions: NDArray[np.int32], names: Mapping[int, str], name: str
) -> TetMesh:
    known = {number: names.get(number, f"label_{number}") for number in np.unique(regions).tolist()}
    tolerance = _ON_WALL * float(grid.step.min())
    facets = tagged_facets(points, tets, regions, grid.planes, tolerance, region_names=known)
    return TetMesh(points, tets, regions, known, facets.facets, facets.tags, facets.names, name=name)


def certified(
    mesh: TetMesh, voxel_nm: float | None = None, *, asked: Mapping[int, str] | None = None, repairs: Sequence[str] = (), **made: Any
) -> MeshResult:
    """A mesh with its certificate, every statement decided on the mesh itself: determinants and crossings of facets in exact arithmetic.

    asked: names of the labels that were to be found, of which those without a tetrahedron are the certificate's lost_regions; repairs:
    what was changed, in words; made: further fields of Certificate that cannot be measured on the mesh.
    """
    present = set(np.unique(mesh.regions).tolist())
    lost = tuple(name for number, name in (asked or {}).items() if number not in present)
    certificate = certify(mesh, {}, voxel_nm, repairs=tuple(repairs) or _BY_CONSTRUCTION, **made)
    return MeshResult(mesh, replace(certificate, lost_regions=lost))


def polished(grid: BackgroundGrid, mesh: TetMesh, *, goal: Goal = _GOAL, reach: float = _REACH) -> TetMesh:
    """The quality pass: tetrahedra and facets that miss the goal are mended one by one, and nothing else is touched.

    Regions, their interfaces and plane cuts stay; surfaces move by at most `reach` cubes. What cannot be mended stays as it is.
    """
    done = polish(mesh.points, mesh.tets, mesh.regions, grid.planes, goal=goal, reach_nm=reach * float(grid.step.min()))
    return _assembled(grid, done.points, done.tets, done.regions, mesh.region_names, mesh.name)


def pieces(mesh: TetMesh, region: int) -> list[TetMesh]:
    """The pieces of one region, each connected through facets, the largest first, as meshes of their own with the facets that they keep."""
    chosen = np.flatnonzero(mesh.regions == region)
    count, member = facet_components(mesh.tets[chosen])
    sizes = np.bincount(member, weights=mesh.volumes()[chosen], minlength=count)
    tags = _tag_of(mesh)
    return [_piece(mesh, chosen[member == n], tags, f"{mesh.name} {region}") for n in np.argsort(-sizes, kind="stable")]


def largest_piece(mesh: TetMesh, region: int) -> TetMesh:
    """The largest of the `pieces` of a region."""
    return pieces(mesh, region)[0]


def largest_part(mesh: TetMesh) -> tuple[TetMesh, int, float]:
    """The largest of the parts of a mesh that hang together through facets, over all regions, by volume.

    Also how many parts there are, and the share of the volume in the others. Names of regions without a tetrahedron in it go.
    """
    count, member = facet_components(mesh.tets)
    if count == 1:
        return mesh, 1, 0.0
    sizes = np.bincount(member, weights=mesh.volumes(), minlength=count)
    part = _piece(mesh, np.flatnonzero(member == sizes.argmax()), _tag_of(mesh), mesh.name)
    names = {number: mesh.region_names[number] for number in np.unique(part.regions).tolist()}
    tags = {tag: name for tag, name in mesh.facet_names.items() if tag in part.facet_tags}
    return replace(part, region_names=names, facet_names=tags), count, float(1.0 - sizes.max() / sizes.sum())


def _tag_of(mesh: TetMesh) -> dict[tuple[int, ...], int]:
    """The tag of each facet by its corners in ascending order."""
    corners = np.sort(mesh.facets, axis=1)
    return dict(zip(map(tuple, corners.tolist()), mesh.facet_tags.tolist(), strict=True))


def _piece(mesh: TetMesh, chosen: Index, tag_of: Mapping[tuple[int, ...], int], name: str) -> TetMesh:
    """Some tetrahedra of a mesh, named by their numbers, with the facets that bound them and lie between their regions."""
    used, tets = np.unique(mesh.tets[chosen], return_inverse=True)
    tets, regions = tets.reshape(-1, 4), mesh.regions[chosen]
    facets, _, _ = surface_facets(tets, regions)
    tags = np.array([tag_of[tuple(sorted(used[facet].tolist()))] for facet in facets], np.int32)
    return replace(mesh, points=mesh.points[used], tets=tets, regions=regions, facets=facets, facet_tags=tags, name=name)


def surfaces_of(made: CutGrid, labels: int) -> MeshBatch:
    """The boundaries of labels 1 … labels as a batch of closed triangle meshes, outward, with the points' gradient; absent ones are empty.

    What lies in a wall of the grid belongs to the boundary.
    """
    vertices, faces = [], []
    for number in range(1, labels + 1):
        outer = _boundary(made.cells.tets[made.cells.regions == number])
        used, index = torch.unique(outer, return_inverse=True)
        vertices.append(made.points[used])
        faces.append(index.reshape(-1, 3))
    return mesh_batch(vertices, faces)


def _boundary(tets: Tensor) -> Tensor:
    """Facets that one tetrahedron has, counter-clockwise seen from outside, (F, 3)."""
    facets = tets[:, torch.tensor([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]], device=tets.device)].reshape(-1, 3)
    _, inverse, counts = torch.unique(facets.sort(dim=1).values, dim=0, return_inverse=True, return_counts=True)
    return facets[counts[inverse] == 1]
