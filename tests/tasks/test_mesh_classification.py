"""Meshes understood: classes of spines, and parts of them, end to end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch

from cellml.checkpoint import load
from cellml.data.labelled_mesh import LabelledMesh, collate_meshes, folds_by_group, mesh_sample, prepared
from cellml.data.mesh_module import MeshDataModule, ProceduralSpines
from cellml.data.spine_meshes import read_spines, stack_of
from cellml.errors import CellmlError, FileError
from cellml.meshops.batch import mesh_batch
from cellml.nets.mesh_template import icosphere
from cellml.nets.pointnet import PointNet
from cellml.tasks.mesh_classification import ClassTarget, CrossEntropy, MeshClassificationTask, balanced_accuracy
from cellml.types import Surface

NAMES = ("Mushroom", "Thin", "Stubby")


def body(label: int, group: str, scale: tuple[float, float, float]) -> LabelledMesh:
    sphere = icosphere(2)
    return LabelledMesh(
        Surface(100 * sphere.vertices.double().numpy() * scale, sphere.faces.numpy(), "body"), label, group, f"{group}/{label}"
    )


def bodies() -> list[LabelledMesh]:
    shapes = [(1.0, 1.0, 1.0), (0.3, 0.3, 1.0), (1.0, 1.0, 0.3)]
    return [body(n, group, scale) for group in ("a", "b", "c", "d") for n, scale in enumerate(shapes)]


def module(**more: Any) -> MeshDataModule:
    return MeshDataModule(**{"source": bodies, "folds": 4, "faces": 100, "points": 64, "batch_size": 6, "patches_per_epoch": 12, **more})


def test_preparing_repairs_simplifies_and_scales() -> None:
    whole = body(0, "a", (1.0, 1.0, 2.0))
    holed = LabelledMesh(Surface(whole.surface.vertices, whole.surface.faces[3:]), 0, "a", "holed")
    for one in (whole, holed):
        found = prepared(one, 100).surface
        assert 80 <= len(found.faces) <= 100
        assert np.linalg.norm(found.vertices, axis=1).max() == pytest.approx(1)
        np.testing.assert_allclose(found.vertices.mean(axis=0), 0, atol=1e-12)
        assert found.volume() > 0


def test_samples_lie_on_the_mesh_with_its_normals() -> None:
    ball = prepared(body(1, "a", (1.0, 1.0, 1.0)), 320)
    sample = mesh_sample(ball, np.random.default_rng(0), 300, turn=False)
    places, normals = sample["cloud"].split(3, dim=1)
    assert ((places.norm(dim=1) - 1).abs() < 0.1).all()
    assert ((places * normals).sum(1) > 0.9).all()
    torch.testing.assert_close(normals.norm(dim=1), torch.ones(300))
    turned = mesh_sample(ball, np.random.default_rng(0), 300, turn=True)
    assert not torch.allclose(turned["vertices"], sample["vertices"])
    assert ((turned["vertices"].norm(dim=1) - 1).abs() < 0.15).all()


def test_aligned_meshes_lie_along_their_axes_and_keep_their_size() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    long = body(0, "a", (0.4, 1.0, 2.0))
    turned = LabelledMesh(
        Surface(long.surface.vertices @ (turn * np.sign(np.linalg.det(turn))).T + 500, long.surface.faces), 0, "a", "long"
    )
    found = prepared(turned, 320, align=True)
    np.testing.assert_allclose(np.abs(found.surface.vertices).max(axis=0), [0.2, 0.5, 1.0], atol=0.03)
    assert found.size == pytest.approx(200, rel=0.02) and found.surface.volume() > 0
    one = mesh_sample(found, np.random.default_rng(3), 50, turn=True, align=True, sized=True)
    assert one["cloud"].shape == (50, 7)
    torch.testing.assert_close(one["cloud"][:, 6], torch.full((50,), np.log(0.2)), atol=0.02, rtol=0)
    ratio = one["vertices"].double().numpy() / found.surface.vertices
    assert np.nanmax(np.abs(np.abs(ratio) - 1)) < 0.11 and np.prod(np.sign(np.nanmedian(ratio, axis=0))) == 1


def test_parts_of_aligned_meshes_stay_where_they_were() -> None:
    long = body(0, "a", (2.0, 0.4, 1.0))
    halves = prepared(LabelledMesh(long.surface, 0, "a", "long", lambda points: (points[:, 0] > 5).astype(np.int64)), 320, align=True)
    assert halves.parts is not None
    along = halves.surface.vertices[:, 2]
    found = halves.parts(halves.surface.vertices)
    sure = np.abs(along) > 0.1
    assert np.array_equal(found[sure] == 1, (along * np.sign(along[found == 1].mean()) > 0)[sure])


def test_a_mesh_that_loses_its_soundness_keeps_more_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    from cellml.report import decimate as module

    plain = module.decimate

    def tears(surface: Surface, faces: int) -> Surface:
        fewer = plain(surface, faces)
        return fewer if faces >= 140 else Surface(fewer.vertices, np.concatenate([fewer.faces, fewer.faces[:1]]))

    monkeypatch.setattr(module, "decimate", tears)
    monkeypatch.setattr("cellml.surfaces.repair", lambda surface: (surface, None))
    assert 140 <= len(prepared(body(0, "a", (1.0, 1.0, 1.0)), 100).surface.faces) <= 150
    with pytest.raises(CellmlError, match="30 to 90 faces"):
        prepared(body(0, "a", (1.0, 1.0, 1.0)), 30)


def test_parts_follow_the_mesh_when_it_is_scaled_and_turned() -> None:
    ball = body(0, "a", (1.0, 1.0, 1.0))
    halves = prepared(LabelledMesh(ball.surface, 0, "a", "ball", lambda points: (points[:, 2] > 7).astype(np.int64)), 320)
    sample = mesh_sample(halves, np.random.default_rng(0), 200, turn=False)
    assert torch.equal(sample["point_labels"], (sample["cloud"][:, 2] > 0.07).long())
    turned = mesh_sample(halves, np.random.default_rng(1), 2000, turn=True)
    upper = turned["cloud"][turned["point_labels"] == 1, :3].mean(0)
    lower = turned["cloud"][turned["point_labels"] == 0, :3].mean(0)
    assert (upper - lower).norm() == pytest.approx(1, abs=0.15)  # two half spheres' centroids, one radius apart
    batch = mesh_batch([sample["vertices"]], [sample["faces"]])
    assert torch.equal(sample["edge_labels"], (batch.vertices[batch.edges].mean(1)[:, 2] > 0.07).long())


def test_batches_hold_meshes_of_different_size() -> None:
    rng = np.random.default_rng(0)
    small, large = (mesh_sample(prepared(body(0, "a", (1.0, 1.0, 1.0)), n), rng, 10, turn=False) for n in (60, 200))
    batch = collate_meshes([small, large])
    count = len(small["faces"])
    assert (batch["faces"][0, count:] == -1).all()
    assert torch.equal(batch["faces"][0, :count], small["faces"])
    assert torch.equal(batch["vertices"][1], large["vertices"])


def test_no_group_is_in_two_folds_and_folds_are_even() -> None:
    groups = [g for g, n in zip("abcdefgh", (20, 10, 9, 8, 7, 6, 5, 4), strict=True) for _ in range(n)]
    folds = folds_by_group(groups, 4)
    assert all(len({int(f) for f, g in zip(folds, groups, strict=True) if g == name}) == 1 for name in "abcdefgh")
    sizes = np.bincount(folds, minlength=4)
    assert sizes.max() <= 20 and sizes.min() >= 13
    data = module(fold=2)
    data.setup()
    assert not {b.mesh.group for b in data._train} & {b.mesh.group for b in data._val}
    assert len(data._train) == 9


def test_preparing_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("cellml.data.mesh_module._EVERY_S", 0.0)
    with caplog.at_level("INFO", logger="cellml.data.mesh_module"):
        module().setup()
    told = [record.getMessage() for record in caplog.records]
    assert told[0].startswith("Reading the meshes") and told[1].startswith("Repairing 12 meshes") and "100 faces" in told[1]
    assert told[2:] == [*(f"{n} of 12 meshes are ready" for n in range(1, 13)), "All 12 meshes are ready"]


def test_samples_are_functions_of_their_number_and_balanced() -> None:
    first, second = module(), module()
    first.setup()
    second.setup()
    one, two = first.patches(), second.patches()
    assert all(torch.equal(one[5][key], two[5][key]) for key in one[5])
    assert [int(one[n]["labels"]) for n in range(6)] == [0, 1, 2, 0, 1, 2]


def test_pointnet_learns_three_bodies_and_counts_them() -> None:
    import pytorch_lightning as pl

    torch.manual_seed(0)
    net = PointNet(3, widths=(16, 32), head=(16,), dropout=0.0)
    task = MeshClassificationTask(net, ClassTarget(NAMES), CrossEntropy(), lambda p: torch.optim.Adam(p, 0.01))
    trainer = pl.Trainer(
        accelerator="cpu", max_steps=80, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0, use_distributed_sampler=False, log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(task, module())
    assert task.counts.sum() == 3
    assert float(trainer.callback_metrics["val/balanced_accuracy"]) == 1
    assert float(trainer.callback_metrics["val/recall_Thin"]) == 1


def test_parts_of_procedural_spines_by_command(cellml: Callable[..., int], tmp_path: Path) -> None:
    words = ["data.source.count=2", "data.source.voxels=26", "data.folds=2", "data.faces=100", "data.batch_size=1", "data.patches_per_epoch=2",
             "task.net.targets=[120,100]", "task.net.widths=[8,8]", "training.max_steps=2"]  # fmt: skip
    assert cellml("train", "experiment=mesh/spine_parts", *words, f"hydra.run.dir={tmp_path / 'run'}") == 0
    model = load(tmp_path / "run/model.ckpt")
    assert 0 <= model.record["metrics"]["val/balanced_accuracy"] <= 1
    assert model.record["labels"] == ["base", "neck", "head"]


def test_parts_of_a_procedural_spine_are_all_there() -> None:
    (spine,) = ProceduralSpines(1, voxels=30)()
    assert spine.parts is not None
    found = spine.parts(spine.surface.vertices)
    assert np.bincount(found, minlength=3).min() > 20


def test_balanced_accuracy_is_the_mean_recall_of_classes_that_occur() -> None:
    assert balanced_accuracy(np.array([[8, 2, 0], [0, 1, 1], [0, 0, 0]])) == pytest.approx((0.8 + 0.5) / 2)
    assert np.isnan(balanced_accuracy(np.zeros((2, 2), np.int64)))


def test_the_archive_is_read_by_class_and_stack(tmp_path: Path) -> None:
    off = "OFF\n4 4 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n"
    groups = {"Thin": ["set\\5-2\\spine_1.off"], "Stubby": ["set\\3_full_res (2)\\spine_0.off"], "Outlier": []}
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("manual_classification_merged.json", json.dumps({"groups": groups}))
        for names in groups.values():
            for name in names:
                archive.writestr(name.replace("\\", "/"), off)
    found = read_spines(("Stubby", "Thin"), tmp_path / "a.zip")
    assert [(mesh.label, mesh.group, mesh.name) for mesh in found] == [
        (0, "3_full_res", "3_full_res (2)/spine_0.off"),
        (1, "5", "5-2/spine_1.off"),
    ]
    assert found[0].surface.volume() == pytest.approx(1e9 / 6)
    with pytest.raises(CellmlError, match="no class Tall"):
        read_spines(("Tall",), tmp_path / "a.zip")
    (tmp_path / "b.zip").write_text("no archive")
    with pytest.raises(FileError, match="not the archive"):
        read_spines(path=tmp_path / "b.zip")


def test_stacks() -> None:
    assert [stack_of(name) for name in ("5-1", "5-2", "1013-2", "3", "example_dendrite", "3_full_res (10-2)")] == [
        "5", "5", "1013", "3", "example_dendrite", "3_full_res",
    ]  # fmt: skip


def test_bad_input_is_refused() -> None:
    with pytest.raises(CellmlError, match="cannot be split"):
        folds_by_group(["a", "b"], 3)
    with pytest.raises(CellmlError, match=r"data\.fold"):
        module(fold=4)
    with pytest.raises(CellmlError, match="at least two classes"):
        ClassTarget(["a"])
    with pytest.raises(CellmlError, match="share"):
        CrossEntropy(1.0)
    with pytest.raises(CellmlError, match=r"task\.net\.classes"):
        MeshClassificationTask(PointNet(2), ClassTarget(NAMES), CrossEntropy(), torch.optim.Adam)
    task = MeshClassificationTask(PointNet(3, per_point=True), ClassTarget(NAMES), CrossEntropy(), torch.optim.Adam)
    with pytest.raises(CellmlError, match="asked for point_labels"):
        task.loss_of({"cloud": torch.zeros(1, 4, 6), "labels": torch.zeros(1)})
