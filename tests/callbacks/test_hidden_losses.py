"""Losses on a hidden layer, attached to a training by the layer's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from cellml.callbacks.hidden_losses import HiddenLosses
from cellml.data.shape_arrays import ShapeArrays
from cellml.data.shape_module import ShapeDataModule
from cellml.errors import CellmlError
from cellml.losses.saucie import BatchDiscrepancy, Hidden, InformationDimension, IntraclusterDistance
from cellml.losses.shapes import DistanceElbo
from cellml.nets.sdf_vae import SdfVae
from cellml.shapes.population import Population
from cellml.tasks.shape_target import ShapeTarget
from cellml.tasks.shape_vae import ShapeVaeTask
from cellml.types import Surface


class Balls:
    """Distance grids of balls; those of stack 1 are shifted, as another microscope would."""

    shape, truncate = (8, 8, 8), 4.0

    def of(self, population: Population) -> ShapeArrays:
        z, y, x = np.meshgrid(*[np.arange(8) - 3.5] * 3, indexing="ij")
        values = [np.sqrt(z**2 + y**2 + x**2) - 2 - 0.05 * n + 1.0 * int(group) for n, group in enumerate(population.groups)]
        return ShapeArrays(np.clip(np.array(values, np.float32)[:, None], -4, 4), np.ones(len(values)), np.zeros((len(values), 0)))

    def scores(self, decoded: Any, truth: Any, units: Any) -> dict[str, float]:
        return {"error": float(np.abs(decoded - truth).mean())}


def population() -> Population:
    one = Surface(np.eye(3), np.array([[0, 1, 2]]), "x")
    return Population(tuple(f"ball {n}" for n in range(16)), (one,) * 16, tuple(str(n % 2) for n in range(16)), ("",) * 16)


def trained(folder: Path, callback: HiddenLosses | None, steps: int = 160) -> tuple[ShapeVaeTask, ShapeDataModule]:
    pl.seed_everything(0)
    data = ShapeDataModule(population, Balls(), fold=None, batch_size=8, patches_per_epoch=80)
    data.setup()
    net = SdfVae(shape=(8, 8, 8), latent=4, widths=[4], truncate=4.0)
    task = ShapeVaeTask(net, ShapeTarget(), DistanceElbo(), lambda p: torch.optim.AdamW(p, lr=5e-3), Balls())
    trainer = pl.Trainer(
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[callback] if callback else [],
        default_root_dir=folder,
    )
    trainer.fit(task, data)
    return task, data


def discrepancy(task: ShapeVaeTask, data: ShapeDataModule) -> float:
    batch = task._gathered(data.training_blocks)
    codes = task.net.posterior(batch["image"], torch.zeros(16, 0))[0]
    return float(BatchDiscrepancy()(Hidden(codes, batches=batch["group"])).detach())


def test_batches_of_codes_come_together_and_nothing_is_left_behind(tmp_path: Path) -> None:
    callback = HiddenLosses(
        "net.posterior_of",
        {"batches": BatchDiscrepancy(), "dimension": InformationDimension(None), "clusters": None},
        {"batches": 300.0, "dimension": 0.01, "clusters": 5.0},
        batches="group",
        first=4,
    )
    with_it, data = trained(tmp_path, callback)
    without, _ = trained(tmp_path, None)
    assert discrepancy(with_it, data) < 0.6 * discrepancy(without, data)
    assert not with_it.penalties and not with_it.net.posterior_of._forward_hooks
    assert set(with_it.state_dict()) == set(without.state_dict())


def test_the_loss_of_a_step_is_the_tasks_and_the_weighted_terms(tmp_path: Path) -> None:
    callback = HiddenLosses("net.encoder", {"clusters": IntraclusterDistance()}, {"clusters": 2.0}, reconstruction="net.decoder")
    seen: list[tuple[float, float, float]] = []
    whole = callback.penalise

    def watched(record: Any, batch: Any) -> Any:
        after = whole(record, batch)
        seen.append((float(record.total.detach()), float(after.total.detach()), float(after.parts["hidden_clusters"])))
        return after

    callback.penalise = watched  # type: ignore[method-assign]
    trained(tmp_path, callback, steps=2)
    assert len(seen) == 2 and all(after == pytest.approx(before + 2 * part, rel=1e-5) and part > 0 for before, after, part in seen)


@pytest.mark.parametrize(
    ("callback", "said"),
    [
        (HiddenLosses("net.encodr", {"d": InformationDimension()}), "no module 'net.encodr'; did you mean 'net.encoder'"),
        (HiddenLosses("prior", {"d": InformationDimension()}), "has not used 'prior'"),
        (HiddenLosses("net.encoder", {"b": BatchDiscrepancy()}, batches="stack"), "The data have no 'stack'"),
    ],
)
def test_what_cannot_be_attached_is_named(tmp_path: Path, callback: HiddenLosses, said: str) -> None:
    with pytest.raises(CellmlError, match=said):
        trained(tmp_path, callback, steps=1)
    assert not callback._handles, "an error leaves nothing behind either"


def test_a_layer_that_answers_with_several_tensors_is_refused() -> None:
    with pytest.raises(CellmlError, match="'net' answers with tuple, no tensor to look at"):
        HiddenLosses("net", {})._keeper("net")(torch.nn.Identity(), (), (torch.zeros(1), torch.zeros(1)))


def test_a_weight_without_a_term_is_refused() -> None:
    with pytest.raises(CellmlError, match="a weight of 'dimensio', but the terms are dimension"):
        HiddenLosses("net", {"dimension": InformationDimension()}, {"dimensio": 1.0})
