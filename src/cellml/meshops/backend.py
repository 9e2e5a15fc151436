"""pytorch3d behind the functions of `cellml.meshops`, wherever it is importable: the only module that imports it.

A function decorated with `instead_of`, whose arguments were checked, runs its pytorch3d counterpart below if pytorch3d is importable, its
tensors are float32 (all that pytorch3d's kernels know) and no mesh of the batch is empty. Searches (neighbours, points against meshes) and
sums over neighbours go there on a GPU only: on the CPU pytorch3d compares all pairs, 10¹⁰ of them for two clouds of 10⁵ points, where a
tree takes a third of a second. Vertex normals stay ours, since pytorch3d divides by a length of at least 10⁻⁶, which shortens the normals
of fine meshes in small units. `plain_torch()` turns all of it off for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from cellml.meshops.batch import MeshBatch, mesh_batch

P = ParamSpec("P")
R = TypeVar("R")

_off: ContextVar[bool] = ContextVar("pytorch3d is off", default=False)
# Below this a triangle counts as its edges (unit² of the vertices). pytorch3d's own 5·10⁻³ would take most triangles of a normalised mesh.
_MIN_TRIANGLE_AREA = 1e-12


@cache
def available() -> bool:
    """Whether pytorch3d and its compiled part can be imported here."""
    try:
        import pytorch3d  # noqa: F401

        import_module("pytorch3d._C")
    except (ImportError, OSError):
        return False
    return True


def in_use() -> bool:
    """Whether the functions of meshops call pytorch3d where they can."""
    return not _off.get() and available()


@contextmanager
def plain_torch() -> Iterator[None]:
    """Within this context all operations are cellml's own, in plain torch."""
    token = _off.set(True)
    try:
        yield
    finally:
        _off.reset(token)


def fits(*arguments: Any) -> bool:
    """Whether pytorch3d can take these arguments: float32, and no empty mesh."""
    for value in _each(arguments):
        if isinstance(value, MeshBatch) and (value.vertices.dtype != torch.float32 or not _full(value)):
            return False
        if isinstance(value, Tensor) and value.is_floating_point() and value.dtype != torch.float32:
            return False
    return True


def _each(arguments: tuple[Any, ...]) -> list[Any]:
    return [one for value in arguments for one in (value if isinstance(value, list) else [value])]


def fits_on_gpu(*arguments: Any) -> bool:
    """As `fits`, on a GPU."""
    tensors = [value.vertices if isinstance(value, MeshBatch) else value for value in _each(arguments)]
    return fits(*arguments) and all(value.is_cuda for value in tensors if isinstance(value, Tensor))


def fits_flat_map(level: Tensor, *others: Any) -> bool:
    """As `fits`, for maps of two dimensions: the only ones that pytorch3d samples."""
    return level.ndim == 4 and fits(level, *others)


def instead_of(counterpart: Callable[P, R], when: Callable[..., bool] = fits) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator: call `counterpart`, of the same signature, instead of the function wherever pytorch3d is in use and `when` allows it."""

    def decorate(own: Callable[P, R]) -> Callable[P, R]:
        @wraps(own)
        def chosen(*args: P.args, **kwargs: P.kwargs) -> R:
            if in_use() and when(*args, *kwargs.values()):
                return counterpart(*args, **kwargs)
            return own(*args, **kwargs)

        return chosen

    return decorate


def nearest(points: Tensor, among: Tensor, k: int, point_counts: Tensor, among_counts: Tensor, norm: int) -> Tensor:
    """Rows of the k nearest, (N, P, k), as `cellml.meshops.neighbours` asks for them."""
    ops = import_module("pytorch3d.ops")
    found = ops.knn_points(points, among, point_counts, among_counts, norm=norm, K=k)
    return found.idx  # type: ignore[no-any-return]


def edge_loss(batch: MeshBatch, target_length: float = 0.0) -> Tensor:
    """Counterpart of `regularisers.edge_loss`."""
    return _losses().mesh_edge_loss(_meshes(batch), target_length)  # type: ignore[no-any-return]


def uniform_laplacian_loss(batch: MeshBatch) -> Tensor:
    """Counterpart of `regularisers.uniform_laplacian_loss`."""
    return _losses().mesh_laplacian_smoothing(_meshes(batch), method="uniform")  # type: ignore[no-any-return]


def cotangent_laplacian_loss(batch: MeshBatch) -> Tensor:
    """Counterpart of `regularisers.cotangent_laplacian_loss`."""
    return _losses().mesh_laplacian_smoothing(_meshes(batch), method="cot")  # type: ignore[no-any-return]


def curvature_laplacian_loss(batch: MeshBatch) -> Tensor:
    """Counterpart of `regularisers.curvature_laplacian_loss`."""
    return _losses().mesh_laplacian_smoothing(_meshes(batch), method="cotcurv")  # type: ignore[no-any-return]


def normal_consistency(batch: MeshBatch) -> Tensor:
    """Counterpart of `regularisers.normal_consistency`."""
    return _losses().mesh_normal_consistency(_meshes(batch))  # type: ignore[no-any-return]


def point_face_loss(batch: MeshBatch, clouds: list[Tensor]) -> Tensor:
    """Counterpart of `point_mesh.point_face_loss`."""
    return _losses().point_mesh_face_distance(_meshes(batch), _clouds(clouds), min_triangle_area=_MIN_TRIANGLE_AREA)  # type: ignore[no-any-return]


def point_edge_loss(batch: MeshBatch, clouds: list[Tensor]) -> Tensor:
    """Counterpart of `point_mesh.point_edge_loss`."""
    return _losses().point_mesh_edge_distance(_meshes(batch), _clouds(clouds))  # type: ignore[no-any-return]


def neighbour_sums(features: Tensor, edges: Tensor, directed: bool = False) -> Tensor:
    """Counterpart of `graph_convolution.neighbour_sums`."""
    return import_module("pytorch3d.ops.graph_conv").gather_scatter(features, edges, directed)  # type: ignore[no-any-return]


def subdivide(batch: MeshBatch) -> MeshBatch:
    """Counterpart of `subdivision.subdivide`."""
    return _batch(import_module("pytorch3d.ops").SubdivideMeshes()(_meshes(batch)))


def taubin_smoothing(batch: MeshBatch, steps: int, shrink: float, inflate: float) -> MeshBatch:
    """Counterpart of `smoothing.taubin_smoothing`."""
    smoothed = import_module("pytorch3d.ops").taubin_smoothing(_meshes(batch), shrink, inflate, steps)
    return batch.with_vertices(smoothed.verts_packed())


def vert_align(level: Tensor, vertices: Tensor, padding: str, align_corners: bool) -> Tensor:
    """Counterpart of `feature_pooling.sampled_map`, for maps (N, C, Y, X)."""
    ops = import_module("pytorch3d.ops")
    return ops.vert_align(level, vertices, padding_mode=padding, align_corners=align_corners)  # type: ignore[no-any-return]


def cubify(occupancy: Tensor, threshold: float, align: str) -> MeshBatch:
    """Counterpart of `cubify.cubify`."""
    return _batch(import_module("pytorch3d.ops").cubify(occupancy, threshold, align=align))


def _losses() -> Any:
    return import_module("pytorch3d.loss")


def _full(batch: MeshBatch) -> bool:
    return all(batch.topology.vertex_counts) and all(batch.topology.face_counts)


def _meshes(batch: MeshBatch) -> Any:
    return import_module("pytorch3d.structures").Meshes(verts=batch.vertex_list(), faces=batch.face_list())


def _clouds(clouds: list[Tensor]) -> Any:
    return import_module("pytorch3d.structures").Pointclouds(points=clouds)


def _batch(meshes: Any) -> MeshBatch:
    return mesh_batch(meshes.verts_list(), meshes.faces_list())
