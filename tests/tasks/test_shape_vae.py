"""Autoencoders of shapes as tasks: trained, written, loaded, and asked as every shape model is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from omegaconf import OmegaConf

from cellml import checkpoint
from cellml.data.shape_arrays import GridRepresentation, HarmonicRepresentation, ShapeArrays
from cellml.data.shape_frames import CellFrame
from cellml.data.shape_module import ShapeDataModule
from cellml.errors import CellmlError
from cellml.losses.shapes import DistanceElbo, SurfaceElbo, free_bits, surface_squares
from cellml.nets.coupling_flow import CouplingFlow
from cellml.nets.mesh_template import icosphere
from cellml.nets.residual_vae import ResidualVae
from cellml.nets.sdf_vae import SdfVae
from cellml.shapes.harmonics.basis import real_harmonics
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.shapes.model import ShapeModel
from cellml.shapes.population import Population
from cellml.tasks.shape_target import ShapeTarget
from cellml.tasks.shape_vae import ShapeVaeTask
from cellml.types import Surface


def ellipsoids(count: int = 24, seed: int = 0) -> Population:
    """Long and flat ones, whose third axis follows from the second."""
    rng = np.random.default_rng(seed)
    sphere = icosphere(2)
    unit, faces = sphere.vertices.double().numpy(), sphere.faces.numpy()
    kinds = ["long" if n % 2 else "flat" for n in range(count)]
    stretch = rng.uniform(0.4, 0.9, count)
    axes = [(300, 200 * s, 200 * s**2) if kind == "long" else (200, 200, 120 * s) for s, kind in zip(stretch, kinds, strict=True)]
    surfaces = tuple(Surface(unit * scale, faces, f"body {n}") for n, scale in enumerate(axes))
    return Population(tuple(s.name for s in surfaces), surfaces, tuple(str(n % 6) for n in range(count)), tuple(kinds))


@dataclass(frozen=True)
class Centred(HarmonicRepresentation):
    """Coefficients by least squares over the sphere that the vertices came from: what alignment gives for bodies that lie aligned."""

    def of(self, population: Population) -> ShapeArrays:
        basis = real_harmonics(icosphere(2).vertices.double().numpy(), self.degree)
        values = np.stack([np.linalg.lstsq(basis, s.vertices, rcond=None)[0].T for s in population.surfaces]).astype(np.float32)
        return ShapeArrays(values, np.ones(len(values)), np.zeros((len(values), 0)))


def data(representation: Any, **more: Any) -> ShapeDataModule:
    return ShapeDataModule(ellipsoids, representation, folds=3, batch_size=6, patches_per_epoch=24, **more)


def trained(task: ShapeVaeTask, module: ShapeDataModule, steps: int) -> dict[str, float]:
    torch.manual_seed(0)
    trainer = pl.Trainer(
        accelerator="cpu", max_steps=steps, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0, use_distributed_sampler=False, log_every_n_steps=1, val_check_interval=steps, check_val_every_n_epoch=None,
    )  # fmt: skip
    trainer.fit(task, module)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def adam(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, 3e-3)


def test_the_residual_vae_beats_pca_on_bodies_with_one_bend() -> None:
    torch.manual_seed(0)
    net = ResidualVae(degree=3, latent=1, higher=6, hidden=(32,))
    task = ShapeVaeTask(net, ShapeTarget(), SurfaceElbo(beta=0.1), adam, Centred(3), refine=10)
    found = trained(task, data(Centred(3)), 240)
    assert found["val/over_pca"] < 0.95
    assert found["val/residual_nm"] > 1
    assert found["val/surface_nm"] == pytest.approx(found["val/bent_nm"], rel=1e-3)
    assert isinstance(task.eval(), ShapeModel)
    bodies = ellipsoids(4, seed=5)
    codes = task.encode(bodies)
    for surface, body in zip(task.decode(codes), bodies.surfaces, strict=True):
        assert surface.volume() == pytest.approx(body.volume(), rel=0.5)
    density = task.log_density(codes)
    np.testing.assert_allclose(density, -0.5 * (codes[:, 0] ** 2 + np.log(2 * np.pi)), rtol=1e-5)


def test_conditions_are_a_part_of_codes() -> None:
    torch.manual_seed(0)
    net = ResidualVae(degree=3, latent=2, higher=6, hidden=(16,), conditions=2)
    task = ShapeVaeTask(net, ShapeTarget(["flat", "long"]), SurfaceElbo(), adam, Centred(3))
    trained(task, data(Centred(3), classes=["flat", "long"]), 8)
    task.eval()
    codes = task.encode(ellipsoids(3))
    np.testing.assert_array_equal(codes[:, 2:], [[1, 0], [0, 1], [1, 0]])
    assert (task.sample(5, 0, "long")[:, 3] == 1).all()
    drawn = task.sample(200, 0)
    np.testing.assert_allclose(drawn[:, 2:].mean(0), 0.5, atol=0.1)
    np.testing.assert_array_equal(drawn, task.sample(200, 0))
    np.testing.assert_allclose(task.log_density(drawn[:1]), -0.5 * (drawn[0, :2] ** 2 + np.log(2 * np.pi)).sum() + np.log(0.5), rtol=1e-3)
    with pytest.raises(CellmlError, match=r"names round; this model knows one of the classes flat, long"):
        task.sample(1, 0, "round")
    with pytest.raises(CellmlError, match=r"\(N, 4\), not \(1, 3\)"):
        task.decode(np.zeros((1, 3)))


def config() -> Any:
    """The task of a distance autoencoder as a checkpoint has it."""
    representation = {"_target_": "cellml.data.shape_arrays.GridRepresentation", "shape": [16, 16, 16], "truncate": 3.0, "margin": 2}
    return {
        "_target_": "cellml.tasks.shape_vae.ShapeVaeTask",
        "net": {"_target_": "cellml.nets.sdf_vae.SdfVae", "shape": [16, 16, 16], "latent": 3, "widths": [8, 8], "truncate": 3.0},
        "target": {"_target_": "cellml.tasks.shape_target.ShapeTarget"},
        "loss": {"_target_": "cellml.losses.shapes.DistanceElbo"},
        "optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 0.01},
        "representation": representation,
        "prior": {"_target_": "cellml.nets.coupling_flow.CouplingFlow", "size": 4, "layers": 2, "hidden": [16]},
    }


def test_the_distance_autoencoder_learns_and_opens_from_its_checkpoint(tmp_path: Path) -> None:
    from hydra.utils import instantiate

    torch.manual_seed(0)
    task = instantiate(config(), _convert_="all")
    module = data(task.representation)
    first = trained(instantiate(config(), _convert_="all"), module, 1)
    found = trained(task, data(task.representation), 120)
    assert found["val/surface_nm"] < 0.7 * first["val/surface_nm"]
    assert found["val/iou"] > 0.5
    record = checkpoint.make_record(OmegaConf.to_yaml({"task": config()}), config()["_target_"], module.contract)
    checkpoint.write(tmp_path / "model.ckpt", task.prediction_state(), record)
    model = checkpoint.load(tmp_path / "model.ckpt").task
    assert isinstance(model, ShapeModel)
    codes = model.encode(ellipsoids(3))
    assert codes.shape == (3, 4)
    np.testing.assert_allclose(codes, task.eval().encode(ellipsoids(3)), rtol=1e-5)
    decoded, bodies = model.decode(codes), ellipsoids(3).surfaces
    assert sum(s.volume() for s in decoded) == pytest.approx(sum(s.volume() for s in bodies), rel=0.5)
    drawn = model.sample(4, seed=1)
    assert np.isfinite(model.log_density(drawn)).all()
    assert not np.array_equal(drawn, model.sample(4, seed=2))


def test_a_frame_conditions_shapes_on_where_they_lie() -> None:
    sphere = icosphere(3)
    cell = Surface(1000 * sphere.vertices.double().numpy(), sphere.faces.numpy(), "cell")
    body = ellipsoids(2).surfaces[1]
    turned = body.vertices[:, [1, 0, 2]]
    surfaces = tuple(
        Surface(v + np.array([at, 0, 0]), body.faces, str(n)) for n, (v, at) in enumerate([(body.vertices, 600), (turned, -400)])
    )
    population = Population(("a", "b"), surfaces, ("0", "1"), ("", ""))
    frames = CellFrame(cell)(population)
    np.testing.assert_allclose(frames[:, 0], [400, 600], rtol=0.02)
    np.testing.assert_allclose(frames[:, 1], [1, 0], atol=0.1)  # the cell is a polyhedron
    target = ShapeTarget(frame=["depth", "tilt"])
    target.measure(torch.tensor([-1, -1]), torch.from_numpy(frames).float())
    given = target.parsed("depth=500, tilt=0.5", 3, torch.Generator().manual_seed(0))
    torch.testing.assert_close(given, torch.zeros(3, 2), atol=0.1, rtol=0)
    assert target.parsed("depth=500", 3, torch.Generator().manual_seed(0))[:, 1].std() > 0.1
    for wrong, words in (("width=3", "names width=3"), ("depth=deep", "gives no number")):
        with pytest.raises(CellmlError, match=words):
            target.parsed(wrong, 1, torch.Generator())
    with pytest.raises(CellmlError, match="representation.frame"):
        target.vector(torch.tensor([-1]), torch.zeros(1, 0))


def test_losses_in_closed_form() -> None:
    mean, log_variance = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.zeros(2, 2)
    assert float(free_bits(mean, log_variance, 0.0)) == pytest.approx(0.5)
    assert float(free_bits(mean, log_variance, 0.2)) == pytest.approx(0.7)
    moved = torch.zeros(1, 3, 9)
    moved[0, 0, 0] = 3 * np.sqrt(4 * np.pi)  # y_00 = 1 / √4π: a shift of 3 nm along x
    torch.testing.assert_close(surface_squares(moved, torch.zeros(1, 3, 9)), torch.tensor([9.0]))
    record = SurfaceElbo(beta=0)(moved, torch.zeros(1, 3, 9), mean[:1], log_variance[:1], torch.tensor(2.0))
    assert float(record.total) == pytest.approx(9 * 4 * np.pi / 4)
    grid = torch.full((1, 1, 4, 4, 4), 2.0)
    record = DistanceElbo(beta=0, sides=0, noise=0.5, near=1.0)(grid + 1, grid, mean[:1], log_variance[:1])
    assert float(record.total) == pytest.approx(64 * np.exp(-2) / 0.5, rel=1e-5)


def test_points_are_compared_with_surfaces_whatever_their_parameters() -> None:
    ball = Harmonics(np.zeros((3, 9)), np.zeros(3)).values.copy()
    ball[0, 3] = ball[1, 1] = ball[2, 2] = 100 * np.sqrt(4 * np.pi / 3)
    turned = ball[[1, 2, 0]]  # the same ball, its parameters turned
    one, other = (torch.from_numpy(values)[None].float() for values in (ball, turned))
    none = torch.zeros(1, 2)
    far = float(SurfaceElbo(beta=0)(one, other, none, none, torch.tensor(1.0)).total)
    near = float(SurfaceElbo(beta=0, points=1.0, level=3)(one, other, none, none, torch.tensor(1.0)).total)
    assert near < 0.01 * far


def test_what_does_not_fit_is_told() -> None:
    net = ResidualVae(degree=3, latent=2)
    with pytest.raises(CellmlError, match=r"task\.net\.conditions=1"):
        ShapeVaeTask(net, ShapeTarget(["flat"]), SurfaceElbo(), adam, Centred(3))
    with pytest.raises(CellmlError, match=r"task\.prior\.size"):
        ShapeVaeTask(net, ShapeTarget(), SurfaceElbo(), adam, Centred(3), prior=CouplingFlow(3))
    with pytest.raises(CellmlError, match="multiples of 8"):
        SdfVae((12, 12, 12))
    with pytest.raises(CellmlError, match=r"\[16, 16, 16\].*\[32, 32, 32\]"):
        SdfVae(widths=[8]).start(torch.zeros(2, 1, 16, 16, 16))
    with pytest.raises(CellmlError, match="each another"):
        ShapeTarget(["a", "a"])
    with pytest.raises(CellmlError, match="0 or more"):
        SurfaceElbo(beta=-1)
    with pytest.raises(CellmlError, match="must be positive"):
        DistanceElbo(noise=0)
    with pytest.raises(CellmlError, match="no voxel inside"):
        GridRepresentation((8, 8, 8)).surface(np.ones((1, 8, 8, 8)), 1.0)
