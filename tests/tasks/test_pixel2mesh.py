"""Surfaces from images, end to end: train, validate, infer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.checkpoint import load
from cellml.data.procedural_kinds import Nucleus
from cellml.data.procedural_module import ProceduralDataModule
from cellml.errors import CellmlError
from cellml.io import read_surface, write_volume
from cellml.losses.mesh import Pixel2MeshLoss
from cellml.nets.pixel2mesh import Pixel2Mesh
from cellml.tasks.mesh_target import MeshTarget
from cellml.tasks.pixel2mesh import Pixel2MeshTask, judge
from cellml.types import Volume

NAMES = ("cell", "nucleus", "nucleolus")
TINY = (
    "data.shape=[24,24,24]", "data.spacing_nm=[24,24,24]", "data.train_cells=2", "data.val_cells=1", "data.patches_per_epoch=2",
    "data.points=200", "task.net.widths=[4,8]", "task.net.level=1", "task.net.stages=2", "task.net.hidden=8", "task.net.depth=1",
    "task.samples=500", "task.loss.samples=200", "training.max_steps=2", "training.validations=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(cellml: Callable[..., int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pixel2mesh") / "run"
    assert cellml("train", "experiment=mesh/pixel2mesh3d", *TINY, f"hydra.run.dir={folder}") == 0
    return folder / "model.ckpt"


@pytest.fixture(scope="module")
def cell() -> dict[str, Any]:
    data = ProceduralDataModule([Nucleus()], (24, 24, 24), (24.0, 24.0, 24.0), 2, 1, 200, patches_per_epoch=2)
    data.setup()
    return data.whole(data._val[0])


def task(**more: Any) -> Pixel2MeshTask:
    torch.manual_seed(0)
    net = Pixel2Mesh(structures=3, widths=(4, 8), spacing=(24.0, 24.0, 24.0), level=1, stages=2, hidden=8, depth=1)
    return Pixel2MeshTask(net, MeshTarget(NAMES), Pixel2MeshLoss(samples=200), torch.optim.AdamW, **more)


def test_validation_scores_each_structure_and_all(trained: Path) -> None:
    metrics = load(trained).record["metrics"]
    assert metrics["val/genus_correct"] == 1  # spheres stay spheres
    assert metrics["val/assd_voxels"] == pytest.approx(np.mean([metrics[f"val/assd_voxels_{name}"] for name in NAMES]), rel=1e-4)
    assert 0 < metrics["val/assd_voxels"] < metrics["val/hd95_voxels"] < 6
    assert 0 <= metrics["val/self_intersections"] <= metrics["val/meshes_crossing"] <= 1


def test_the_mean_shape_travels_with_the_checkpoint(trained: Path) -> None:
    template = load(trained).task.net.template
    radius = torch.linalg.vector_norm(template - template.mean(1, keepdim=True), dim=2).mean(1)
    assert radius[0] > 0.6 > radius[1] > 0.25 > radius[2] > 0.05  # shares of half the side: cell, nucleus, nucleolus
    assert load(trained).contract["compartments"] == list(NAMES)


def test_infer_writes_meshes_in_nm_and_a_certificate(
    trained: Path, cell: dict[str, Any], cellml: Callable[..., int], tmp_path: Path, capsys: Any
) -> None:
    write_volume(Volume(cell["image"][0].numpy(), (24.0, 24.0, 24.0), (100.0, 200.0, 300.0)), tmp_path / "cell.mrc")
    assert cellml("infer", f"checkpoint={trained}", f"input={tmp_path / 'cell.mrc'}", f"output={tmp_path / 'meshes.ply'}") == 0
    told = capsys.readouterr().out
    assert all(f"{tmp_path / f'meshes_{name}.ply'}: 320 facets" in told for name in NAMES)
    certificate = json.loads((tmp_path / "meshes_certificate.json").read_text())
    assert set(certificate["structures"]) == set(NAMES)
    for found in certificate["structures"].values():
        assert found["closed"] and found["manifold"] and found["genus"] == 0 and found["faces"] == 320
    surface = read_surface(tmp_path / "meshes_cell.ply")
    assert surface.volume() == pytest.approx(certificate["structures"]["cell"]["volume_nm3"], rel=1e-6)
    middle = surface.vertices.mean(axis=0)
    assert np.abs(middle - (np.array([300.0, 200, 100]) + 11.5 * 24)).max() < 60


def test_labels_cannot_be_asked_of_meshes_nor_meshes_written_as_volumes(
    trained: Path, cell: dict[str, Any], cellml: Callable[..., int], tmp_path: Path, capsys: Any
) -> None:
    write_volume(Volume(cell["image"][0].numpy(), (24.0, 24.0, 24.0)), tmp_path / "cell.mrc")
    words = [f"checkpoint={trained}", f"input={tmp_path / 'cell.mrc'}"]
    assert cellml("infer", *words, f"output={tmp_path / 'a.tif'}") == 2
    assert "use .ply or .vtu" in capsys.readouterr().err
    assert cellml("infer", *words, f"output={tmp_path / 'a.vtu'}") == 2
    said = capsys.readouterr().err
    assert "predicts surfaces of triangles" in said and "a.ply" in said and "cellml mesh input=" in said
    assert cellml("infer", *words, f"output={tmp_path / 'a.ply'}", "components=largest") == 2
    assert "is for checkpoints that predict tetrahedra" in capsys.readouterr().err
    assert cellml("infer", *words, f"output={tmp_path / 'a.ply'}", "tta=4") == 2
    assert "images or meshes" in capsys.readouterr().err
    assert not list(tmp_path.glob("a*"))


def test_lengths_go_to_the_networks_units_and_back() -> None:
    points = torch.rand(5, 3) * 500
    made = task()
    torch.testing.assert_close(made.unscaled(made.scaled(points, (24, 30, 40)), (24, 30, 40)), points, rtol=1e-5, atol=1e-3)
    face = torch.tensor([39.5 * 24, 29.5 * 24, 23.5 * 24])  # the far outer corner of the last voxel
    torch.testing.assert_close(made.scaled(face, (24, 30, 40)), torch.tensor([40 / 24, 30 / 24, 1.0]))


def test_a_volume_of_any_size_is_predicted_whole_in_its_frame() -> None:
    found = task().predict_surfaces(np.zeros((1, 25, 27, 30), np.float32), (10.0, 20.0, 30.0))
    assert [surface.name for surface in found] == list(NAMES)
    # padded to 28³·32 at the far ends, so that the sphere's centre is the padded box's
    np.testing.assert_allclose(found[0].vertices.mean(axis=0), [30 + 15.5 * 24, 20 + 13.5 * 24, 10 + 13.5 * 24], atol=1e-3)


def test_judging_the_truth_itself_finds_no_fault(cell: dict[str, Any]) -> None:
    from cellml.types import Surface

    truth = Surface(*(part.numpy() for part in cell["surfaces"][1]), "nucleus")
    scores = judge(truth, truth, 0, 24.0, 500)
    assert scores["assd_voxels"] < 1e-6
    assert scores["genus_correct"] == 1
    assert judge(truth, truth, 3, 24.0, 500)["genus_correct"] == 0


def test_training_reduces_the_loss(cell: dict[str, Any]) -> None:
    made = task(mean_template=False)
    batch = {name: cell[name][None] for name in ("image", "points", "normals")}
    optimizer = torch.optim.Adam(made.parameters(), 0.01)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        record = made.loss_of(batch)
        record.total.backward()
        optimizer.step()
        losses.append(float(record.total.detach()))
    assert losses[-1] < 0.3 * losses[0]


def test_bad_input_is_refused(cellml: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(CellmlError, match="different names"):
        MeshTarget(["a", "a"])
    with pytest.raises(CellmlError, match=r"task\.net\.structures=2"):
        Pixel2MeshTask(Pixel2Mesh(structures=3, widths=(4, 8)), MeshTarget(["a", "b"]), Pixel2MeshLoss(), torch.optim.AdamW)
    words = ["experiment=mesh/pixel2mesh3d", *TINY, "task.target.structures=[a,b,c]", f"hydra.run.dir={tmp_path / 'run'}"]
    assert cellml("train", *words) == 2
    assert "compartments" in capsys.readouterr().err
