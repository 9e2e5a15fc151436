"""How far our operations are from what pytorch3d 0.7.9 computed on fixed inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch, mesh_batch
from cellml.meshops.chamfer import Cloud, chamfer_distance
from cellml.meshops.cubify import cubify
from cellml.meshops.feature_pooling import vert_align
from cellml.meshops.geometry import face_areas, vertex_normals
from cellml.meshops.graph_convolution import GraphConvolution
from cellml.meshops.neighbours import nearest_neighbours
from cellml.meshops.point_mesh import point_edge_loss, point_face_loss
from cellml.meshops.regularisers import (
    cotangent_laplacian_loss,
    curvature_laplacian_loss,
    edge_loss,
    normal_consistency,
    uniform_laplacian_loss,
)
from cellml.meshops.smoothing import taubin_smoothing
from cellml.meshops.subdivision import subdivide

FILE = Path(__file__).parents[2] / "tests" / "meshops" / "parity" / "pytorch3d_0.7.9.npz"
Given = dict[str, Tensor]
Row = dict[str, str | float]


def rows() -> list[Row]:
    """One row an array: its largest difference, that over its largest entry, and the share of rtol 1e-4, atol 1e-5 used up."""
    with np.load(FILE) as archive:
        given = {name: torch.from_numpy(archive[name]) for name in archive.files}
    with backend.plain_torch():
        found = {**_losses(given), **_clouds(given), **_meshes(given)}
    return [_row(name, ours.detach().double(), given[name].double()) for name, ours in found.items()]


def _row(name: str, ours: Tensor, theirs: Tensor) -> Row:
    gap = (ours - theirs).abs()
    return {
        "array": name,
        "kind": "gradient" if "_grad" in name else "value",
        "difference": float(gap.max()),
        "relative": float(gap.max() / theirs.abs().max()),
        "share_of_tolerance": float((gap / (1e-5 + 1e-4 * theirs.abs())).max()),
    }


def _both(given: Given, a: Tensor, b: Tensor) -> MeshBatch:
    return mesh_batch([a, b], [given["faces_a"], given["faces_b"]])


def _losses(given: Given) -> Given:
    """Losses of two meshes, with their gradients to the vertices of each."""
    clouds = [given["cloud_x"], given["cloud_y"]]
    losses: dict[str, tuple[Callable[[MeshBatch], Tensor], str]] = {
        "edge_loss": (lambda batch: edge_loss(batch, 0.1), "edge_loss"),
        "laplacian_uniform": (uniform_laplacian_loss, "laplacian_uniform"),
        "laplacian_cot": (cotangent_laplacian_loss, "laplacian_cot"),
        "laplacian_cotcurv": (curvature_laplacian_loss, "laplacian_cotcurv"),
        "normal_consistency": (normal_consistency, "normal_consistency"),
        "point_face_distance": (lambda batch: point_face_loss(batch, clouds), "point_face"),
        "point_edge_distance": (lambda batch: point_edge_loss(batch, clouds), "point_edge"),
    }
    found = {}
    for name, (loss, prefix) in losses.items():
        leaves = [given[mesh].clone().requires_grad_() for mesh in ("verts_a", "verts_b")]
        found[name] = loss(_both(given, *leaves))
        found[f"{prefix}_grad_a"], found[f"{prefix}_grad_b"] = torch.autograd.grad(found[name], leaves)
    return found


def _clouds(given: Given) -> Given:
    x, y = (given[name].clone().requires_grad_() for name in ("cloud_x", "cloud_y"))
    with_normals = [Cloud(points[None], normals=given[name][None]) for points, name in ((x, "normals_x"), (y, "normals_y"))]
    squared = chamfer_distance(*with_normals)
    grad_x, grad_y = torch.autograd.grad(squared.distance, [x, y])
    nearest = nearest_neighbours(x[None], y[None], 4)
    return {
        "chamfer_squared_mean": squared.distance,
        "chamfer_squared_mean_grad_x": grad_x,
        "chamfer_squared_mean_grad_y": grad_y,
        "chamfer_l1_mean": chamfer_distance(*with_normals, norm=1).distance,
        "chamfer_single_directional": chamfer_distance(*with_normals, one_way=True).distance,
        "chamfer_normals": squared.normals if squared.normals is not None else x.new_zeros(()),
        "knn_dists": nearest.distance[0],
        "knn_idx": nearest.index[0],
    }


def _meshes(given: Given) -> Given:
    batch = _both(given, given["verts_a"], given["verts_b"])
    one = mesh_batch([given["verts_a"]], [given["faces_a"]])
    layer = GraphConvolution(3, 5)
    names = {"own.weight": "w0", "own.bias": "b0", "neighbours.weight": "w1", "neighbours.bias": "b1"}
    layer.load_state_dict({ours: given[f"graphconv_{theirs}"] for ours, theirs in names.items()})
    fine, cubes = subdivide(one), cubify(given["cubify_vox"][None], 0.5, "topleft")
    # pytorch3d numbers the corners of voxels in another order: theirs are matched by place, then faces are compared by number.
    place = torch.cdist(given["cubify_verts"].double(), cubes.vertices.double()).argmin(1)
    return {
        "verts_normals_packed": vertex_normals(batch),
        "faces_areas_packed": face_areas(batch),
        "edges_packed": batch.edges,
        "graphconv_out": layer(batch.vertices, batch.edges),
        "cubify_verts": cubes.vertices[place],
        "cubify_faces": _in_their_order(place.argsort()[cubes.faces], given["cubify_faces"]),
        "vert_align2d_out": vert_align(given["vert_align2d_feats"][None], 0.9 * given["verts_a"][None])[0],
        "subdivide_verts": fine.vertices,
        "subdivide_faces": fine.faces,
        "taubin_10_verts": taubin_smoothing(one, 10).vertices,
    }


def _in_their_order(ours: Tensor, theirs: Tensor) -> Tensor:
    """Our faces in the order and from the corner that theirs have, as far as they are the same."""
    known = {_turned(face): face for face in ours.tolist()}
    rows = []
    for face in theirs.tolist():
        same = known.get(_turned(face))
        rows.append(face if same is not None else [-1, -1, -1])
    return torch.tensor(rows)


def _turned(face: list[int]) -> tuple[int, ...]:
    first = face.index(min(face))
    return tuple(face[first:] + face[:first])
