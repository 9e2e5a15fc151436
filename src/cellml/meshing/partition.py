"""Labels to conforming tetrahedra, before optimisation: sequential multi-material cuts of the background.

The outer surface is the zero of φ_F, the smooth signed distance of all labels together. Inside it label k is separated from the labels
still to come by ψ_k = φ_k − min_{j>k} φ_j, so that every point belongs to the label it lies deepest in: nested and touching labels share
their interface exactly, and a label that touches the outside is fused with the outer surface there. Each level is shifted so that
volumes are those of the voxels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.cut import CutMesh, split_at_level, volume_preserving_level, volumes, warp_to_level
from cellml.meshing.domain import Domain, background
from cellml.meshing.errors import MeshingError
from cellml.meshing.topology import boundary_facets, surface_topology

_UNDECIDED = 0
_OUTSIDE = -1
_REST = -2  # foreground whose label is not yet decided
_FIRST_CUT_BIT = 64  # the bits below belong to the walls
_WARP_SHARE = 0.35  # vertices nearer than this share of an edge are moved onto the level set
_ROUNDS = 12  # of freezing vertices where the warp pinches a surface


def partition(domain: Domain, numbers: list[int], *, step: float, smoothing: float) -> CutMesh:
    """Tetrahedra of each label, conforming, in the region of that number.

    domain: what to mesh; numbers: its labels, in the order of the cuts; step: size of the background cubes in nm; smoothing: σ in voxels.
    Raises MeshingError if a label leaves no tetrahedron.
    """
    union = domain.distance(domain.data > 0, smoothing)
    points, tets, held = background(domain, union, step)
    outer = domain.sample(union, points)
    distances = [outer]
    if len(numbers) > 1:
        distances = [domain.sample(domain.distance(domain.data == number, smoothing), points) for number in numbers]
    fields = np.column_stack([outer, *(_against_later(np.stack(distances, axis=1), k) for k in range(len(numbers) - 1))])
    mesh = CutMesh(points, tets, fields, held, np.zeros(len(tets), np.int32))
    mesh = _cut(mesh, 0, _UNDECIDED, _REST, domain.count() * domain.voxel_volume, reach=step)
    mesh = _only(mesh, np.asarray(mesh.regions == _REST))
    for k, number in enumerate(numbers[:-1]):
        mesh = _cut(mesh, k + 1, _REST, number, domain.count(number) * domain.voxel_volume, reach=2 * step)
    mesh = replace(mesh, regions=np.where(mesh.regions == _REST, numbers[-1], mesh.regions).astype(np.int32))
    lost = sorted(set(numbers) - set(mesh.regions.tolist()))
    if lost:
        raise MeshingError(
            f"Label {lost[0]} ({domain.count(lost[0])} voxels) leaves no tetrahedron on a background of {step:g} nm; give a smaller "
            "edge_nm or remove that label."
        )
    return mesh


def _against_later(distances: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return np.asarray(0.5 * (distances[:, k] - distances[:, k + 1 :].min(axis=1)))


def _cut(mesh: CutMesh, field: int, region: int, inside: int, target: float, *, reach: float) -> CutMesh:
    """Cut a region at the volume-preserving level, freezing vertices whose warp would pinch the surface until it is manifold."""
    of_region = mesh.regions == region
    level = volume_preserving_level(mesh.points, mesh.tets[of_region], mesh.fields[:, field], target, reach=reach)
    mesh = _shifted(mesh, field, level)
    if field == 0:
        mesh = _only(mesh, np.asarray((mesh.fields[:, 0][mesh.tets] < 0).any(axis=1)))
    outside = _OUTSIDE if field == 0 else _REST
    frozen = np.zeros(len(mesh.points), bool)
    for _ in range(_ROUNDS):
        warped = warp_to_level(mesh, field, share=_WARP_SHARE, frozen=frozen)
        result = split_at_level(warped, field, region=region, inside=inside, outside=outside, bit=_FIRST_CUT_BIT << field)
        sides = [inside] if field == 0 else [inside, outside]
        defects = np.concatenate([surface_topology(boundary_facets(result.tets[result.regions == side])).defects for side in sides])
        defects = defects[defects < len(frozen)]
        if len(defects) == 0 or frozen[defects].all():
            break
        frozen[defects] = True
    return result


def _shifted(mesh: CutMesh, field: int, level: float) -> CutMesh:
    fields = mesh.fields.copy()
    fields[:, field] -= level
    return replace(mesh, fields=fields)


def _only(mesh: CutMesh, chosen: NDArray[np.bool_]) -> CutMesh:
    """The chosen tetrahedra, without the points that they do not use."""
    used, inverse = np.unique(mesh.tets[chosen], return_inverse=True)
    tets = inverse.reshape(-1, 4)
    return CutMesh(mesh.points[used], tets, mesh.fields[used], mesh.held[used], mesh.regions[chosen])


def largest_piece(mesh: CutMesh, member: NDArray[np.int64]) -> tuple[CutMesh, float]:
    """The component of tetrahedra with the largest volume, and the share of the volume that was dropped; member: (T,) component numbers."""
    sizes = np.bincount(member, weights=volumes(mesh.points, mesh.tets))
    kept = int(sizes.argmax())
    return _only(mesh, member == kept), float(1.0 - sizes[kept] / sizes.sum())
