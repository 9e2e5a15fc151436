"""pytorch3d behind the same functions: dispatch with a stand-in, agreement where the real one is importable."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

import cellml
from cellml.errors import CellmlError
from cellml.meshops import backend
from cellml.meshops.batch import mesh_batch
from cellml.meshops.cubify import cubify
from cellml.meshops.feature_pooling import vert_align
from cellml.meshops.graph_convolution import neighbour_sums
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


def test_pytorch3d_is_imported_in_one_module_only():
    importing = []
    for path in Path(cellml.__file__).parent.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if "pytorch3d" in source:
            nodes = ast.walk(ast.parse(source))
            imports = [
                n.module or "" if isinstance(n, ast.ImportFrom) else n.names[0].name
                for n in nodes
                if isinstance(n, ast.Import | ast.ImportFrom)
            ]
            if any(name.startswith("pytorch3d") for name in imports) or 'import_module("pytorch3d' in source:
                importing.append(path.name)
    assert importing == ["backend.py"]


class Structure:
    """Meshes or Pointclouds, as far as the adapters use them."""

    def __init__(self, verts=(), faces=(), points=()):
        self.verts, self.faces, self.points = verts, faces, points

    def verts_packed(self):
        return torch.cat(list(self.verts))

    def verts_list(self):
        return list(self.verts)

    def faces_list(self):
        return list(self.faces)


@pytest.fixture
def stand_in(monkeypatch):
    """A package with pytorch3d's names that says what it was asked."""
    calls = []

    def said(name, result):
        def function(*args, **kwargs):
            calls.append((name, args, kwargs))
            return result(*args)

        return function

    seven = lambda *_: torch.tensor(7.0)  # noqa: E731
    loss = {name: said(name, seven) for name in ("mesh_edge_loss", "mesh_laplacian_smoothing", "mesh_normal_consistency")}
    loss |= {name: said(name, seven) for name in ("point_mesh_face_distance", "point_mesh_edge_distance")}
    ops = {
        "knn_points": said("knn_points", lambda p, q, *_: SimpleNamespace(idx=torch.zeros(*p.shape[:2], 1, dtype=torch.int64))),
        "SubdivideMeshes": lambda: said("subdivide", lambda meshes: meshes),
        "taubin_smoothing": said("taubin_smoothing", lambda meshes, *_: meshes),
        "cubify": said("cubify", lambda *_: Structure([torch.zeros(0, 3)], [torch.zeros(0, 3, dtype=torch.int64)])),
        "vert_align": said("vert_align", lambda level, vertices: torch.zeros(1, vertices.shape[1], level.shape[1])),
    }
    parts = {
        "pytorch3d": {},
        "pytorch3d._C": {},
        "pytorch3d.loss": loss,
        "pytorch3d.ops": ops,
        "pytorch3d.ops.graph_conv": {"gather_scatter": said("gather_scatter", lambda features, *_: features)},
        "pytorch3d.structures": {"Meshes": Structure, "Pointclouds": Structure},
    }
    for name, content in parts.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    backend.available.cache_clear()
    yield calls
    backend.available.cache_clear()


def names(calls):
    return [name for name, _, _ in calls]


@pytest.fixture
def ball(sphere):
    vertices, faces = sphere(1, dtype=torch.float32)
    return mesh_batch([vertices], [faces])


def test_without_pytorch3d_nothing_is_in_use(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch3d", None)
    backend.available.cache_clear()
    assert not backend.available() and not backend.in_use()
    backend.available.cache_clear()


def test_losses_go_to_pytorch3d(stand_in, ball):
    assert backend.in_use()
    losses = [edge_loss(ball, 0.5), uniform_laplacian_loss(ball), cotangent_laplacian_loss(ball), curvature_laplacian_loss(ball)]
    assert {float(value) for value in [*losses, normal_consistency(ball)]} == {7.0}
    assert names(stand_in) == ["mesh_edge_loss", *["mesh_laplacian_smoothing"] * 3, "mesh_normal_consistency"]
    assert stand_in[0][1][1] == 0.5
    assert [kwargs["method"] for _, _, kwargs in stand_in[1:4]] == ["uniform", "cot", "cotcurv"]
    assert torch.equal(stand_in[0][1][0].verts[0], ball.vertices)


def test_makers_go_to_pytorch3d(stand_in, ball):
    subdivide(ball)
    taubin_smoothing(ball, 3, 0.4, -0.5)
    cubify(torch.ones(1, 2, 2, 2), 0.5, "center")
    vert_align(torch.ones(1, 4, 5, 6), ball)
    assert names(stand_in) == ["subdivide", "taubin_smoothing", "cubify", "vert_align"]
    assert stand_in[1][1][1:] == (0.4, -0.5, 3)
    assert stand_in[2][1][1] == 0.5 and stand_in[2][2] == {"align": "center"}


def test_volumes_of_features_stay_ours(stand_in, ball):
    assert vert_align(torch.ones(1, 4, 5, 6, 7), ball).shape == (len(ball.vertices), 4)
    assert names(stand_in) == []


def test_searches_on_the_cpu_stay_ours(stand_in, ball):
    cloud = torch.rand(20, 3, generator=torch.Generator().manual_seed(0))
    nearest_neighbours(cloud[None], ball.vertices[None])
    point_face_loss(ball, [cloud])
    point_edge_loss(ball, [cloud])
    neighbour_sums(ball.vertices, ball.edges)
    assert names(stand_in) == []


def test_searches_go_to_pytorch3d_where_it_fits(stand_in, ball, monkeypatch):
    assert not backend.fits_on_gpu(ball)
    cloud = torch.rand(20, 3, generator=torch.Generator().manual_seed(0))
    assert float(backend.point_face_loss(ball, [cloud])) == float(backend.point_edge_loss(ball, [cloud])) == 7.0
    assert stand_in[0][2] == {"min_triangle_area": 1e-12}
    assert torch.equal(backend.neighbour_sums(cloud, ball.edges), cloud)
    sizes = [torch.tensor([20]), torch.tensor([42])]
    assert backend.nearest(cloud[None], ball.vertices[None], 1, sizes[0], sizes[1], 2).shape == (1, 20, 1)


def test_double_precision_and_empty_meshes_stay_ours(stand_in, ball, no_mesh):
    double = ball.to(torch.float64)
    empty = mesh_batch([ball.vertices, no_mesh[0].float()], [ball.faces, no_mesh[1]])
    for batch in (double, empty):
        assert float(edge_loss(batch)) != 7.0
    assert float(edge_loss(batch=ball)) == 7.0  # also by keyword


def test_clouds_in_double_precision_do_not_fit(ball):
    assert backend.fits(ball, [ball.vertices]) and not backend.fits(ball, [ball.vertices.double()])


def test_bad_input_is_refused_before_pytorch3d_sees_it(stand_in, ball):
    with pytest.raises(CellmlError, match="not finite"):
        cubify(torch.full((1, 2, 2, 2), float("nan")))
    with pytest.raises(CellmlError, match="shrink"):
        taubin_smoothing(ball, inflate=0.5)
    assert names(stand_in) == []


def test_plain_torch_turns_it_off(stand_in, ball):
    with backend.plain_torch():
        assert not backend.in_use()
        assert float(edge_loss(ball)) != 7.0
    assert float(edge_loss(ball)) == 7.0


LOSSES = [edge_loss, uniform_laplacian_loss, cotangent_laplacian_loss, curvature_laplacian_loss, normal_consistency]


@pytest.mark.skipif(not backend.available(), reason="pytorch3d is not importable here")
@pytest.mark.parametrize("loss", LOSSES, ids=[loss.__name__ for loss in LOSSES])
def test_real_pytorch3d_agrees_on_losses(parity, loss):
    results = []
    for plain in (False, True):
        a, b = parity["verts_a"].clone().requires_grad_(), parity["verts_b"].clone().requires_grad_()
        batch = mesh_batch([a, b], [parity["faces_a"], parity["faces_b"]])
        if plain:
            with backend.plain_torch():
                value = loss(batch)
        else:
            value = loss(batch)
        value.backward()
        results.append((value.detach().reshape(()), a.grad, b.grad))
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not backend.available(), reason="pytorch3d is not importable here")
def test_real_pytorch3d_agrees_on_searches(parity):
    x, y = parity["cloud_x"][None], parity["cloud_y"][None]
    batch = mesh_batch([parity["verts_a"], parity["verts_b"]], [parity["faces_a"], parity["faces_b"]])
    sizes = [torch.tensor([x.shape[1]]), torch.tensor([y.shape[1]])]
    assert torch.equal(backend.nearest(x, y, 4, sizes[0], sizes[1], 2), nearest_neighbours(x, y, 4).index)
    for theirs, ours in ((backend.point_face_loss, point_face_loss), (backend.point_edge_loss, point_edge_loss)):
        torch.testing.assert_close(theirs(batch, [x[0], y[0]]), ours(batch, [x[0], y[0]]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        backend.vert_align(parity["vert_align2d_feats"][None], batch.vertices[None, :162], "zeros", True)[0],
        vert_align(parity["vert_align2d_feats"][None], batch.vertices[None, :162])[0],
        rtol=1e-4,
        atol=1e-5,
    )
