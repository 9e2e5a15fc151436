"""Generators of shapes as tasks: what a step changes, what codes are, what checkpoints hold, and what is told of wrong input."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from cellml.callbacks.adversarial_watch import AdversarialWatch
from cellml.data.shape_arrays import GridRepresentation
from cellml.data.shape_module import ShapeDataModule
from cellml.errors import CellmlError
from cellml.losses.adversarial import NonSaturatingLoss, WassersteinLoss
from cellml.losses.information import InformationLoss
from cellml.nets.information_reader import InformationReader
from cellml.nets.mesh_template import icosphere
from cellml.nets.pixelcnn import PixelCnn
from cellml.nets.stacked_generator import StackedGenerator
from cellml.nets.volume_discriminator import VolumeDiscriminator
from cellml.nets.volume_generator import VolumeGenerator
from cellml.shapes.model import ShapeModel
from cellml.shapes.population import Population
from cellml.tasks.adversarial import Opponent
from cellml.tasks.info_gan import InfoGanTask
from cellml.tasks.shape_gan import ShapeGanTask
from cellml.tasks.shape_pixelcnn import BitsPerVoxel, ShapePixelCnnTask
from cellml.tasks.shape_target import ShapeTarget
from cellml.tasks.stacked_gan import StackedGanTask
from cellml.types import Surface

SHAPE = (8, 8, 8)
GRID = GridRepresentation(SHAPE, truncate=2.0, margin=1)
CLASSES = ["flat", "long"]


def ellipsoids() -> Population:
    """Twelve of three groups: flat ones and long ones, of different sizes."""
    ball = icosphere(2)
    unit, faces = ball.vertices.double().numpy(), ball.faces.numpy()
    scales = [(50 + 5 * n) * np.array([1, 1, 0.5] if n % 2 else [0.5, 0.5, 1]) for n in range(12)]
    surfaces = tuple(Surface(unit * scale, faces, f"body {n}") for n, scale in enumerate(scales))
    names = tuple(surface.name for surface in surfaces)
    return Population(names, surfaces, tuple(str(n % 3) for n in range(12)), tuple(CLASSES[(n + 1) % 2] for n in range(12)))


def adam(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=2e-3, betas=(0.0, 0.9))


def opponent(channels: int = 2, shape: tuple[int, ...] = SHAPE, loss: Any = None, **more: Any) -> Opponent:
    return Opponent(VolumeDiscriminator(channels, shape, (4,)), loss or NonSaturatingLoss(), adam, 1.0, begin=0.0, **more)


def gan(classes: list[str] | None = None, latent: int = 6, **more: Any) -> ShapeGanTask:
    classes = classes or []
    settings = {"opponent": opponent(2 + len(classes)), "judged": 4, "average": 0.5} | more
    return ShapeGanTask(VolumeGenerator(latent, SHAPE, (4,)), ShapeTarget(classes), adam, representation=GRID, **settings)


def infogan() -> InfoGanTask:
    play = opponent()
    reader = InformationReader(play.critic.width, 3, 2)  # type: ignore[arg-type]
    parts: dict[str, Any] = {"opponent": play, "representation": GRID, "reader": reader, "information": InformationLoss()}
    return InfoGanTask(net=VolumeGenerator(8, SHAPE, (4,)), target=ShapeTarget(), optimizer=adam, **parts, judged=4)


def stacked() -> StackedGanTask:
    fine = (16, 16, 16)  # half of it must hold the bodies
    grid = GridRepresentation(fine, truncate=2.0, margin=2)
    return two_stages(StackedGenerator(5, fine, (4,), width=4), opponent(shape=fine), grid, share=0.5)


def two_stages(net: StackedGenerator, play: Opponent, grid: GridRepresentation, share: float) -> StackedGanTask:
    target = ShapeTarget()
    return StackedGanTask(
        net=net, target=target, optimizer=adam, opponent=play, coarse=opponent(), representation=grid, share=share, judged=4
    )


def pixelcnn(classes: list[str] | None = None) -> ShapePixelCnnTask:
    classes = classes or []
    net = PixelCnn(SHAPE, 1 + len(classes), width=4, dilations=(1,))
    return ShapePixelCnnTask(net, ShapeTarget(classes), BitsPerVoxel(), adam, GRID, judged=2)


def trained(task: Any, folder: Path, steps: int = 4, classes: tuple[str, ...] = ()) -> pl.Trainer:
    pl.seed_everything(0)
    data = ShapeDataModule(ellipsoids, task.representation, fold=0, folds=3, classes=classes, batch_size=4, patches_per_epoch=16)
    trainer = pl.Trainer(
        accelerator="cpu", max_steps=steps, logger=False, enable_checkpointing=False, enable_progress_bar=False, default_root_dir=folder,
        enable_model_summary=False, num_sanity_val_steps=0, val_check_interval=steps, check_val_every_n_epoch=None, max_epochs=-1,
    )  # fmt: skip
    trainer.fit(task, data)
    return trainer


@pytest.mark.parametrize("make", [gan, infogan, stacked, pixelcnn])
def test_each_is_trained_and_is_a_shape_model(make: Any, tmp_path: Path) -> None:
    pl.seed_everything(0)
    task = make()
    before = {name: value.clone() for name, value in task.net.named_parameters()}
    trainer = trained(task, tmp_path)
    assert trainer.global_step == 4
    assert any(not torch.equal(before[name], value) for name, value in task.net.named_parameters())
    assert math.isfinite(float(trainer.callback_metrics["val/statistics"]))
    assert isinstance(task, ShapeModel)
    codes = task.eval().sample(3, seed=1)
    assert np.array_equal(codes, task.sample(3, seed=1))
    assert not np.array_equal(codes, task.sample(3, seed=2))
    surfaces = task.decode(codes)
    assert all(surface.volume() > 0 for surface in surfaces)
    sizes = np.array([np.ptp(surface.vertices, axis=0).max() for surface in surfaces])
    assert ((sizes > 5) & (sizes < 2000)).all()  # nm, as the ellipsoids are
    assert task.log_density(codes).shape == (3,)
    assert np.isfinite(task.log_density(codes)).all()


def test_all_gans_are_watched_without_being_told(tmp_path: Path) -> None:
    for task in (gan(), gan(opponent=opponent(loss=WassersteinLoss(), rounds=3))):
        trainer = trained(task, tmp_path, steps=2)
        assert sum(isinstance(c, AdversarialWatch) for c in trainer.callbacks) == 1
        assert set(task.health.numbers) == {"spread", "sameness", "variety", "distance", "slope"}


def test_a_collapsed_generator_is_stopped_with_the_reason(tmp_path: Path) -> None:
    """A generator whose shapes do not depend on its codes; the watch needs 50 such steps in a row."""
    task = gan()
    with torch.no_grad():
        task.net.expand.weight.zero_()
    task.net.expand.weight.requires_grad_(False)
    with pytest.raises(CellmlError, match="collapsed to"):
        trained(task, tmp_path, steps=60)


def test_codes_are_noise_and_condition(tmp_path: Path) -> None:
    task = gan(CLASSES)
    trained(task, tmp_path, classes=tuple(CLASSES))
    codes = task.eval().sample(40, 0, "long")
    assert codes.shape == (40, 6)
    assert (codes[:, 4:] == [0, 1]).all()
    drawn = task.sample(200, 0)[:, 4:]
    assert (drawn.sum(axis=1) == 1).all()
    assert 0.35 < drawn[:, 0].mean() < 0.65  # as frequent as in training
    normal = -0.5 * (codes[:, :4] ** 2).sum(axis=1) - 2 * math.log(2 * math.pi)
    assert task.log_density(codes) == pytest.approx(normal + math.log(0.5), abs=1e-3)
    with pytest.raises(CellmlError, match="knows one of the classes flat, long"):
        task.sample(2, 0, "round")


def test_the_critic_sees_the_size_and_the_condition() -> None:
    task = gan(CLASSES)
    task.log_size.copy_(torch.tensor([math.log(10.0), 0.5]))
    batch = {
        "image": torch.full((2, 1, *SHAPE), -2.0), "unit": torch.tensor([10.0, 10.0 * math.exp(0.5)]), "label": torch.tensor([1, -1]),
        "frame": torch.zeros(2, 0),
    }  # fmt: skip
    real, conditions = task.shown(batch)
    assert real[:, :, 0, 0, 0].tolist() == [[-1, 0], [-1, pytest.approx(1)]]
    assert conditions.tolist() == [[0, 1], [0, 0]]
    assert task.units_of(torch.tensor([0.0, 1.0])).tolist() == pytest.approx([10.0, 10.0 * math.exp(0.5)])


def test_infogan_reads_codes_and_other_gans_say_that_they_cannot(tmp_path: Path) -> None:
    task = infogan()
    trained(task, tmp_path)
    codes = task.eval().encode(ellipsoids())
    assert codes.shape == (12, 8)
    assert (codes[:, :3] == 0).all()
    assert (codes[:, 3:6].sum(axis=1) == 1).all()
    assert np.abs(codes[:, 6:]).max() <= 1
    codes[0, 6] = 1.5  # beyond what is drawn
    assert np.isfinite(task.log_density(codes)).tolist() == [False, *[True] * 11]
    with pytest.raises(CellmlError, match=r"cannot read the codes of 12.*infogan"):
        gan().encode(ellipsoids())


def test_the_first_stage_rests_when_the_second_learns(tmp_path: Path) -> None:
    task = stacked()
    states = []

    def noted(codes: Any, first: bool) -> Any:
        states.append((first, {name: value.clone() for name, value in task.net.state_dict().items()}))
        return StackedGanTask.staged(task, codes, first)

    task.staged = noted  # type: ignore[method-assign]
    trained(task, tmp_path, steps=6)
    assert [first for first, _ in states] == [True] * 6 + [False] * 6  # the critic's look and the generator's, three steps each
    late = [state for first, state in states if not first] + [task.net.state_dict()]
    rest = [name for name in late[0] if name.startswith("first.") and "num_batches" not in name]
    assert all(torch.equal(late[0][name], late[-1][name]) for name in rest)
    assert not torch.equal(late[0]["look.weight"], late[-1]["look.weight"])
    early = states[0][1]
    assert not torch.equal(early["first.expand.weight"], late[0]["first.expand.weight"])
    assert torch.equal(early["look.weight"], late[0]["look.weight"])


def test_a_pixelcnn_encodes_exactly_and_its_likelihood_is_that_of_the_bits(tmp_path: Path) -> None:
    task = pixelcnn(CLASSES)
    trained(task, tmp_path, classes=tuple(CLASSES))
    population = ellipsoids()
    codes = task.eval().encode(population)
    arrays = GRID.of(population)
    assert np.array_equal(codes[:, :512].reshape(12, *SHAPE), arrays.values[:, 0] < 0)
    assert (codes[:, 513:].sum(axis=1) == 1).all()
    batch = {"image": torch.from_numpy(arrays.values), "unit": torch.from_numpy(arrays.units)}
    batch |= {"label": torch.tensor([1, 0] * 6), "frame": torch.zeros(12, 0)}
    bits = float(task.loss_of(batch).total)
    size = codes[:, 512]
    rest = -0.5 * size**2 - math.log(2 * math.pi) / 2 + math.log(0.5)
    assert (task.log_density(codes) - rest).mean() == pytest.approx(-bits * 512 * math.log(2), rel=1e-4)
    decoded = task.decode(codes)
    assert [s.volume() for s in decoded] == pytest.approx([s.volume() for s in population.surfaces], rel=0.35)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(CellmlError, match=r"begin=0 \(it is 0\.2\)"):
        gan(opponent=Opponent(VolumeDiscriminator(2, SHAPE, (4,)), NonSaturatingLoss(), adam, 1.0, begin=0.2))
    with pytest.raises(CellmlError, match=r"of which 2 are the condition"):
        gan(CLASSES, latent=2)
    with pytest.raises(CellmlError, match=r"\[16, 16, 16\] voxels, and the data's \[8, 8, 8\]"):
        ShapeGanTask(VolumeGenerator(6, (16, 16, 16), (4,)), ShapeTarget(), adam, opponent(), GRID)
    with pytest.raises(CellmlError, match="conditions=3"):
        ShapePixelCnnTask(PixelCnn(SHAPE, 1, 4, (1,)), ShapeTarget(CLASSES), BitsPerVoxel(), adam, GRID)
    with pytest.raises(CellmlError, match=r"share is 1"):
        two_stages(StackedGenerator(5, SHAPE, (4,)), opponent(), GRID, share=1.0)
    with pytest.raises(CellmlError, match=r"\(N, 6\), not \(2, 5\)"):
        gan().decode(np.zeros((2, 5)))
    with pytest.raises(CellmlError, match="ask for one or more"):
        gan().sample(0, 0)


def test_a_generator_that_makes_nothing_says_so() -> None:
    task = gan()
    with torch.no_grad():
        task.average.net.layers[-1].weight.zero_()  # type: ignore[union-attr, index]
        task.average.net.layers[-1].bias.fill_(1.0)  # type: ignore[union-attr, index]
    with pytest.raises(CellmlError, match="Only 0 of 2 codes made a shape"):
        task.eval().sample(2, 0)


def test_the_averaged_generator_settles_on_moments_of_its_own(tmp_path: Path) -> None:
    """Batch normalisation that goes by the last step's moments shifts every shape of averaged weights."""
    task = gan(average=0.9)
    trained(task, tmp_path, steps=12)
    state = {name: value.clone() for name, value in task.prediction_state().items()}
    first = next(module for module in task.predictor.modules() if isinstance(module, torch.nn.BatchNorm3d))
    seen: list[torch.Tensor] = []
    first.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    with torch.no_grad():
        for seed in range(8):
            task.predictor(task.raw_sample(64, seed, ""))
    values = torch.cat(seen).transpose(0, 1).flatten(1)
    torch.testing.assert_close(first.running_mean, values.mean(dim=1), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(first.running_var, values.var(dim=1), atol=1e-4, rtol=0.05)
    assert not first.training and first.momentum == 0.1
    again = task.prediction_state()
    assert all(torch.equal(value, again[name]) for name, value in state.items())
