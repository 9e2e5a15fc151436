"""A simulated answer in the loss: its gradient down to the voxels, and trainings that have it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cellml.checkpoint import load
from cellml.cli import run_verb
from cellml.data.procedural_answers import ProceduralAnswers
from cellml.data.procedural_cells import draw_cell, voxelise
from cellml.data.procedural_kinds import Spine
from cellml.errors import CellmlError
from cellml.losses.physics import PhysicsLoss
from cellml.losses.semantic import SemanticLoss
from cellml.meshhead.head import CertifiedHead, Frame
from cellml.meshhead.logits import cut_logits
from cellml.meshhead.scores import scores_of_distances
from cellml.nets.unet import UNet
from cellml.sim.shape_gradient.answers import answers, answers_of_cut, moving_mesh
from cellml.sim.shape_gradient.observables import Area, Conductance, FirstPassage, Relaxation, Volume
from cellml.tasks.physics_segmentation import PhysicsSegmentationTask
from cellml.tasks.targets import AffinityTarget, SemanticTarget

SHAPE, SPACING = (24, 24, 24), (24.0, 24.0, 24.0)
FRAME = Frame(SHAPE, SPACING)
NAMES = {1: "base", 2: "neck", 3: "head"}
STOUT = Spine(neck=(0.08, 0.1), head=(0.15, 0.18))
OBSERVABLES: dict[str, Any] = {
    "escape": FirstPassage("base|neck", ["neck", "head"]),
    "conductance": Conductance("base|neck", "neck|head", ["neck"]),
    "relaxation": Relaxation(["neck", "head"]),
    "volume": Volume(["neck"]),
    "area": Area("membrane"),
}
TINY = (
    "data.kinds=[{_target_:cellml.data.procedural_kinds.Spine,neck:[0.08,0.1],head:[0.15,0.18]}]", "data.shape=[24,24,24]",
    "data.spacing_nm=[24,24,24]", "data.train_cells=2", "data.val_cells=1", "data.patches_per_epoch=2", "data.points=200",
    "data.answers.finer=1", "task.net.widths=[4,8]", "training.max_steps=1", "training.validations=1", "trainer.log_every_n_steps=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def distances() -> torch.Tensor:
    return torch.from_numpy(voxelise(draw_cell(STOUT, SHAPE, SPACING, seed=4), SHAPE, SPACING).distances).double()


class Residual(nn.Module):
    """A network that sees the true distances, which a smooth function of the image changes a little: any gradient goes through it."""

    def __init__(self, known: torch.Tensor) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.known = known
        self.net = nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv3d(4, len(known), 3, padding=1)).double()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.known + 0.5 * self.net(image[None])[0]


@pytest.mark.parametrize("way", ["certified head", "segmentation"])
def test_gradients_to_the_voxels_are_those_of_differences(distances: torch.Tensor, way: str) -> None:
    """Every observable, through the solve, the head that inference uses and a network, in float64, where no vertex changes its sign and
    no node is drawn back otherwise.
    """
    head = CertifiedHead(step_voxels=2.0)
    size = head.step_nm(SPACING)
    if way == "segmentation":
        net = Residual(scores_of_distances(distances.flatten(1)).reshape(4, *SHAPE) / size)
    else:
        net = Residual(torch.cat([distances / size, torch.zeros(3, *SHAPE)]))

    def cut(image: torch.Tensor) -> Any:
        maps = net(image)
        if way == "segmentation":
            return cut_logits(maps, FRAME, size)
        grid = head.grid(FRAME, maps.detach())
        return grid, head(grid, FRAME, maps)

    rng = np.random.default_rng(3)
    image = torch.from_numpy(rng.normal(size=(1, *SHAPE))).requires_grad_()
    _, made = cut(image)
    values = answers_of_cut(OBSERVABLES, *cut(image), NAMES)
    assert torch.isfinite(values).all()
    towards = torch.from_numpy(rng.normal(size=(1, *SHAPE)))
    changed = {}
    for e in (-1e-5, 1e-5):
        with torch.no_grad():
            grid, other = cut(image + e * towards)
            assert torch.equal(other.labels, made.labels) and other.relaxed == made.relaxed
            changed[e] = answers_of_cut(OBSERVABLES, grid, other, NAMES)
    for value, high, low in zip(values, changed[1e-5], changed[-1e-5], strict=True):
        (gradient,) = torch.autograd.grad(value, image, retain_graph=True)
        assert (gradient != 0).sum() > 100
        assert float((gradient * towards).sum()) == pytest.approx(float(high - low) / 2e-5, rel=1e-5)


def test_the_moving_mesh_is_the_mesh_that_is_written(distances: torch.Tensor) -> None:
    head = CertifiedHead(step_voxels=2.0)
    maps = torch.cat([distances / head.step_nm(SPACING), torch.zeros(3, *SHAPE)])
    grid = head.grid(FRAME, maps)
    mesh, points = moving_mesh(grid, head(grid, FRAME, maps), NAMES)
    assert np.array_equal(points.numpy(), mesh.points)
    assert {"base|neck", "neck|head", "membrane"} == set(mesh.facet_names.values())
    broken = replace(mesh, regions=np.where(mesh.regions == 3, 2, mesh.regions), region_names={1: "base", 2: "neck"})
    found = answers({"there": Volume(["neck"]), "gone": Volume(["head"])}, broken, points)
    assert found[0] > 0 and torch.isnan(found[1])
    outside = torch.ones_like(maps)
    grid = head.grid(FRAME, outside)
    assert torch.isnan(answers_of_cut(OBSERVABLES, grid, head(grid, FRAME, outside), NAMES)).all()


def test_true_answers_come_from_the_formulas_on_finer_voxels() -> None:
    made = voxelise(draw_cell(STOUT, SHAPE, SPACING, seed=4), SHAPE, SPACING)
    fine = voxelise(made.cell, [2 * n for n in SHAPE], [s / 2 for s in SPACING])
    exact = float((fine.labels.data == 3).sum()) * math.prod(fine.spacing) * 1e-9
    coarse, finer = (float(ProceduralAnswers({"volume": Volume(["head"])}, times, 2.0)(made)[0]) for times in (1, 2))
    assert abs(finer / exact - 1) < 0.5 * abs(coarse / exact - 1) < 0.07
    with pytest.raises(CellmlError, match="at least as fine"):
        ProceduralAnswers(OBSERVABLES, 0)


def segmentation(**more: Any) -> PhysicsSegmentationTask:
    physics = PhysicsLoss({"volume": Volume()})
    net = UNet(1, 4, (4, 8), spacing=SPACING)
    target = SemanticTarget(["background", *NAMES.values()])
    options = {"net": net, "target": target, "loss": SemanticLoss(), "optimizer": torch.optim.AdamW, **more}
    return PhysicsSegmentationTask(physics=physics, spacing_nm=SPACING, step_voxels=2.0, **options)


def test_without_known_answers_those_of_the_labels_count() -> None:
    made = voxelise(draw_cell(STOUT, SHAPE, SPACING, seed=4), SHAPE, SPACING)
    labels = torch.from_numpy(made.labels.data.astype(np.int64))
    task = segmentation()
    volume = float((labels > 0).sum()) * math.prod(SPACING) * 1e-9
    assert float(task._true_answers(labels)[0]) == pytest.approx(volume, rel=0.2)  # cubes of 48 nm
    unknown = labels.clone()
    unknown[0, 0, 0] = -1
    assert torch.isnan(task._true_answers(unknown)).all()
    with pytest.raises(CellmlError, match="classes to mesh"):
        segmentation(net=UNet(1, 3, (4, 8)), target=AffinityTarget([[-1, 0, 0], [0, -1, 0], [0, 0, -1]]), decoder=lambda *_: None)
    with pytest.raises(CellmlError, match="at least one more"):
        cut_logits(torch.zeros(1, *SHAPE), FRAME, 20.0)


def test_a_segmentation_learns_an_answer_through_its_logits() -> None:
    made = voxelise(draw_cell(STOUT, SHAPE, SPACING, seed=4), SHAPE, SPACING)
    labels = torch.from_numpy(made.labels.data.astype(np.int64))
    task = segmentation()
    logits = nn.Parameter(scores_of_distances(torch.from_numpy(made.distances).flatten(1)).reshape(4, *SHAPE) / 24.0)
    wanted = 1.1 * task._true_answers(labels)
    optimizer = torch.optim.Adam([logits], 0.1)
    errors = []
    for _ in range(8):
        loss = task.physics(task._answers(logits), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(float(loss.detach()))
    assert errors[-1] < 0.5 * errors[0]


@pytest.mark.parametrize("experiment", ["mesh/physics_spine", pytest.param("mesh/physics_spine_segmentation", marks=pytest.mark.slow)])
def test_trainings_run_and_their_checkpoints_open(experiment: str, tmp_path: Any) -> None:
    run_verb("train", (f"experiment={experiment}", *TINY, "trainer.enable_progress_bar=false", f"hydra.run.dir={tmp_path}"))
    task = load(tmp_path / "model.ckpt").task
    assert list(task.physics.observables) == ["escape_time", "neck_conductance"]
    tables = (tmp_path / "metrics").rglob("metrics.csv")
    assert any("train/physics_left_out" in path.read_text() for path in tables)
