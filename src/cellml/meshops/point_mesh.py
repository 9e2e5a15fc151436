"""How far clouds of points are from meshes: to their faces, and to their edges."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch
from cellml.meshops.closest import squared_distance
from cellml.meshops.simplex_search import nearest_point, nearest_simplex


def distance_to_simplices(points: Tensor, simplices: Tensor) -> Tensor:
    """Squared distance of each point to the closest of some segments or triangles, with gradient to both: (P, 3), (T, 2 or 3, 3) → (P,)."""
    return squared_distance(points, simplices[nearest_simplex(points, simplices)])


def distance_to_points(simplices: Tensor, points: Tensor) -> Tensor:
    """Squared distance of each segment or triangle to the closest of some points, with gradient to both: (T, 2 or 3, 3), (P, 3) → (T,)."""
    return squared_distance(points[nearest_point(simplices, points)], simplices)


def point_face_loss(batch: MeshBatch, clouds: list[Tensor]) -> Tensor:
    """Mean over N pairs of mean_p d²(p, closest face) + mean_f d²(f, closest point), scalar in the square of the vertices' unit.

    clouds: N tensors (P_n, 3) in the frame of the meshes. A face between points counts through the point closest to it, so that no part
    of the mesh is left unsupervised. A pair of an empty mesh and an empty cloud adds 0. Raises CellmlError where only one of the two is
    empty (their distance is not defined), for a cloud that is not finite, and for another number of clouds than meshes.
    """
    _check(batch, clouds, batch.topology.face_counts)
    return _to_faces(batch, clouds)


def point_edge_loss(batch: MeshBatch, clouds: list[Tensor]) -> Tensor:
    """As `point_face_loss`, for the edges of the meshes instead of their faces."""
    _check(batch, clouds, batch.topology.edge_counts)
    return _to_edges(batch, clouds)


@backend.instead_of(backend.point_face_loss, when=backend.fits_on_gpu)
def _to_faces(batch: MeshBatch, clouds: list[Tensor]) -> Tensor:
    corners = batch.corners()
    return _mean_both_ways(batch, clouds, lambda n: corners[batch.topology.face_slices()[n]])


@backend.instead_of(backend.point_edge_loss, when=backend.fits_on_gpu)
def _to_edges(batch: MeshBatch, clouds: list[Tensor]) -> Tensor:
    ends = batch.vertices[batch.edges].split(list(batch.topology.edge_counts))
    return _mean_both_ways(batch, clouds, lambda n: ends[n])


def _mean_both_ways(batch: MeshBatch, clouds: list[Tensor], simplices_of: Callable[[int], Tensor]) -> Tensor:
    total = batch.vertices.sum() * 0
    for n, cloud in enumerate(clouds):
        if len(cloud):
            simplices = simplices_of(n)
            total = total + distance_to_simplices(cloud, simplices).mean() + distance_to_points(simplices, cloud).mean()
    return total / len(batch)


def _check(batch: MeshBatch, clouds: list[Tensor], sizes: tuple[int, ...]) -> None:
    if len(clouds) != len(batch):
        raise CellmlError(f"{len(clouds)} clouds were given for {len(batch)} meshes; give one for each.")
    if not torch.isfinite(batch.vertices).all():
        raise CellmlError(
            f"{int((~torch.isfinite(batch.vertices)).any(1).sum())} of {len(batch.vertices)} vertices are not finite numbers."
        )
    for n, (cloud, size) in enumerate(zip(clouds, sizes, strict=True)):
        if cloud.ndim != 2 or cloud.shape[1] != 3 or not torch.isfinite(cloud).all():
            raise CellmlError(f"Cloud {n} must be finite points (P, 3), got {tuple(cloud.shape)}.")
        if (len(cloud) == 0) != (size == 0):
            raise CellmlError(
                f"The distance between mesh {n} ({size} faces or edges) and its cloud ({len(cloud)} points) is not defined, since one "
                "is empty; leave the pair out of the batch."
            )
