"""What pytorch3d 0.7.9 computes on fixed inputs, values and gradients: rtol 1e-4, atol 1e-5, float32."""

from __future__ import annotations

import pytest
import torch

from cellml.meshops import backend
from cellml.meshops.batch import mesh_batch
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


@pytest.fixture(autouse=True)
def _our_own():
    with backend.plain_torch():
        yield


def close(ours, theirs):
    torch.testing.assert_close(ours.detach(), theirs.to(ours.dtype), rtol=1e-4, atol=1e-5)


def leaves(parity, *names):
    return [parity[name].clone().requires_grad_() for name in names]


def both(parity, a, b):
    return mesh_batch([a, b], [parity["faces_a"], parity["faces_b"]])


LOSSES = {
    "edge_loss": (lambda batch, parity: edge_loss(batch, 0.1), "edge_loss"),
    "laplacian_uniform": (lambda batch, parity: uniform_laplacian_loss(batch), "laplacian_uniform"),
    "laplacian_cot": (lambda batch, parity: cotangent_laplacian_loss(batch), "laplacian_cot"),
    "laplacian_cotcurv": (lambda batch, parity: curvature_laplacian_loss(batch), "laplacian_cotcurv"),
    "normal_consistency": (lambda batch, parity: normal_consistency(batch), "normal_consistency"),
    "point_face_distance": (lambda batch, parity: point_face_loss(batch, [parity["cloud_x"], parity["cloud_y"]]), "point_face"),
    "point_edge_distance": (lambda batch, parity: point_edge_loss(batch, [parity["cloud_x"], parity["cloud_y"]]), "point_edge"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_meshes(parity, name):
    loss, prefix = LOSSES[name]
    a, b = leaves(parity, "verts_a", "verts_b")
    value = loss(both(parity, a, b), parity)
    value.backward()
    close(value, parity[name])
    close(a.grad, parity[f"{prefix}_grad_a"])
    close(b.grad, parity[f"{prefix}_grad_b"])
    assert parity[f"{prefix}_grad_b"].abs().max() > 2e-3  # the comparison is not of zeros


def test_chamfer_and_its_gradients(parity):
    x, y = leaves(parity, "cloud_x", "cloud_y")
    value = chamfer_distance(x[None], y[None]).distance
    value.backward()
    close(value, parity["chamfer_squared_mean"])
    close(x.grad, parity["chamfer_squared_mean_grad_x"])
    close(y.grad, parity["chamfer_squared_mean_grad_y"])


def test_chamfer_variants(parity):
    x, y = (Cloud(parity[f"cloud_{n}"][None], normals=parity[f"normals_{n}"][None]) for n in "xy")
    close(chamfer_distance(x, y, norm=1).distance, parity["chamfer_l1_mean"])
    close(chamfer_distance(x, y, one_way=True).distance, parity["chamfer_single_directional"])
    close(chamfer_distance(x, y).normals, parity["chamfer_normals"])


def test_nearest_neighbours(parity):
    found = nearest_neighbours(parity["cloud_x"][None], parity["cloud_y"][None], 4)
    close(found.distance[0], parity["knn_dists"])
    assert torch.equal(found.index[0], parity["knn_idx"])


def test_what_meshes_are(parity):
    batch = both(parity, parity["verts_a"], parity["verts_b"])
    close(vertex_normals(batch), parity["verts_normals_packed"])
    close(face_areas(batch), parity["faces_areas_packed"])
    assert torch.equal(batch.edges, parity["edges_packed"])


def test_graph_convolution(parity):
    batch = both(parity, parity["verts_a"], parity["verts_b"])
    layer = GraphConvolution(3, 5)
    names = {"own.weight": "w0", "own.bias": "b0", "neighbours.weight": "w1", "neighbours.bias": "b1"}
    layer.load_state_dict({ours: parity[f"graphconv_{theirs}"] for ours, theirs in names.items()})
    close(layer(batch.vertices, batch.edges), parity["graphconv_out"])


def triangles(vertices, faces):
    """Corners of all triangles, each from its smallest corner on, in ascending order."""
    rows = [[tuple(corner) for corner in face] for face in vertices[faces].round(decimals=4).tolist()]
    return sorted(tuple(row[row.index(min(row)) :] + row[: row.index(min(row))]) for row in rows)


def test_cubify(parity):
    made = cubify(parity["cubify_vox"][None], 0.5, "topleft")
    assert len(made.vertices) == len(parity["cubify_verts"])
    assert triangles(made.vertices, made.faces) == triangles(parity["cubify_verts"], parity["cubify_faces"])


def test_feature_pooling(parity):
    vertices = 0.9 * parity["verts_a"]
    close(vert_align(parity["vert_align2d_feats"][None], vertices[None])[0], parity["vert_align2d_out"])


def test_subdivision(parity):
    fine = subdivide(mesh_batch([parity["verts_a"]], [parity["faces_a"]]))
    close(fine.vertices, parity["subdivide_verts"])
    assert torch.equal(fine.faces, parity["subdivide_faces"])


def test_taubin_smoothing(parity):
    close(taubin_smoothing(mesh_batch([parity["verts_a"]], [parity["faces_a"]]), 10).vertices, parity["taubin_10_verts"])
