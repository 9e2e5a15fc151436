"""Adversarial repair: counted steps, averaged weights, checkpoints that predict, and watches that stop what has gone wrong."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from cellml.callbacks.adversarial_watch import AdversarialWatch
from cellml.errors import CellmlError
from cellml.tasks.adversarial import Health, Opponent
from cellml.tasks.volume_gan import axis_roughness

Command = Callable[..., int]

TINY_WEDGE = (
    "seed=0",
    "training.budget_minutes=null",
    "training.max_steps=3",
    "training.validations=1",
    "training.precision=32-true",
    "data.patch=[16,16,16]",
    "data.section=[32,32]",
    "data.patches_per_epoch=4",
    "data.per_slab=2",
    "data.damage.step=[6.0]",
    "data.guard=4",
    "data.train=[{region: {z: [0, 20]}}]",
    "data.val=[{region: {z: [24, 40]}}]",
    "callbacks.last.every_n_train_steps=1",
)
TINY_GAN = ("task.net.net.widths=[2,4]", "task.opponent.critic.widths=[2,4]", "task.opponent.begin=0.3")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cellml: Command, phantom_file: Path) -> Path:
    """A run of three steps with the hinge."""
    folder = tmp_path_factory.mktemp("gan") / "run"
    words = (*TINY_WEDGE, *TINY_GAN, f"data.path={phantom_file}:raw", f"hydra.run.dir={folder}")
    assert cellml("train", "experiment=missing_wedge/fib25_gan", *words) == 0
    return folder


def test_a_step_is_one_of_the_generator_and_both_learn(run: Path) -> None:
    last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 3 and len(last["optimizer_states"]) == 2
    steps = {int(state["step"]) for optimizer in last["optimizer_states"] for state in optimizer["state"].values()}
    assert steps == {3} and int(last["state_dict"]["average.updates"]) == 3
    assert [s["last_epoch"] for s in last["lr_schedulers"]] == [3, 3]


def test_the_checkpoint_for_prediction_is_the_average_alone(run: Path) -> None:
    from cellml.checkpoint import load

    last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    content = torch.load(run / "model.ckpt", weights_only=True)
    assert all(name.startswith("net.") for name in content["state_dict"])
    task = load(run / "model.ckpt").task
    for name, value in task.predictor.state_dict().items():
        assert torch.equal(value, content["state_dict"][f"net.{name}"])
    assert any(not torch.equal(last[f"net.{n}"], last[f"average.net.{n}"]) for n, _ in task.net.named_parameters())
    assert content["cellml"]["contract"]["wedge"]["half_range"] == [60.0, 60.0]


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    run: Path, tmp_path: Path, cellml: Command, phantom_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellml.callbacks.checkpoints import AtomicCheckpointIO

    save = AtomicCheckpointIO.save_checkpoint

    def die(self: Any, checkpoint: dict[str, Any], path: Any, **more: Any) -> None:
        save(self, checkpoint, path, **more)
        if Path(path).name == "last.ckpt" and checkpoint["global_step"] == 2:
            raise RuntimeError("killed")

    words = ("experiment=missing_wedge/fib25_gan", *TINY_WEDGE, *TINY_GAN, f"data.path={phantom_file}:raw")
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(AtomicCheckpointIO, "save_checkpoint", die)
        cellml("train", *words, f"hydra.run.dir={tmp_path / 'killed'}")
    assert cellml("train", *words, f"resume={tmp_path / 'killed'}", f"hydra.run.dir={tmp_path / 'resumed'}") == 0
    one, two = (torch.load(f / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for f in (run, tmp_path / "resumed"))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_wasserstein_with_a_penalty_trains_too(tmp_path: Path, cellml: Command, phantom_file: Path) -> None:
    loss = ("+task.opponent.loss.penalty=10.0", "task.opponent.loss._target_=cellml.losses.adversarial.WassersteinLoss")
    more = ("task.opponent.critic.spectral=false", "trainer.log_every_n_steps=1", "training.max_steps=2", f"data.path={phantom_file}:raw")
    words = (*TINY_WEDGE, *TINY_GAN, *loss, *more, f"hydra.run.dir={tmp_path / 'run'}")
    assert cellml("train", "experiment=missing_wedge/fib25_gan", *words) == 0
    with next((tmp_path / "run").rglob("metrics.csv")).open() as stream:
        rows = [row for row in csv.DictReader(stream) if row.get("train/critic_penalty")]
    assert len(rows) == 2 and all(float(row["train/critic_penalty"]) >= 0 for row in rows)


def test_the_critic_separates_and_the_generator_follows() -> None:
    """A generator of one bias against a linear critic: it moves from 0 to the truth's mean, told by the critic alone."""
    from cellml.losses.adversarial import HingeLoss

    torch.manual_seed(0)
    critic = torch.nn.Sequential(torch.nn.Conv3d(1, 8, 1), torch.nn.LeakyReLU(0.2), torch.nn.Conv3d(8, 1, 1))
    opponent = Opponent(critic, HingeLoss(), lambda p: torch.optim.Adam(p, lr=2e-2, betas=(0.0, 0.9)), weight=1.0, begin=0.0)
    bias = torch.nn.Parameter(torch.zeros(1))
    ours, theirs = torch.optim.Adam([bias], lr=1e-2, betas=(0.0, 0.9)), opponent.make_optimizer(critic.parameters())
    task = SimpleNamespace(global_step=0, trainer=SimpleNamespace(precision="32-true"), manual_backward=lambda loss: loss.backward())
    tail = []
    for _ in range(600):
        real = 2 + 0.5 * torch.randn(4, 1, 4, 4, 4)
        fake = bias + 0.5 * torch.randn(4, 1, 4, 4, 4)
        opponent.learn(task, theirs, real, fake)
        ours.zero_grad()
        opponent.opinion(fake, 1.0).backward()
        ours.step()
        tail.append(bias.item())
    assert np.mean(tail[-200:]) == pytest.approx(2.0, abs=0.4)


def test_before_its_beginning_the_critic_says_nothing() -> None:
    from cellml.losses.adversarial import HingeLoss

    opponent = Opponent(torch.nn.Conv3d(1, 1, 1), HingeLoss(), torch.optim.Adam, weight=1.0, begin=0.5)  # type: ignore[arg-type]
    fake = torch.ones(1, 1, 2, 2, 2, requires_grad=True)
    assert opponent.opinion(fake, 0.4).item() == 0 and opponent.opinion(fake, 0.5).item() != 0
    with pytest.raises(CellmlError, match="rounds=0"):
        Opponent(torch.nn.Conv3d(1, 1, 1), HingeLoss(), torch.optim.Adam, rounds=0)  # type: ignore[arg-type]


def watched(**numbers: float) -> tuple[Any, Any]:
    health = Health()
    health.numbers = {"spread": 1.0, "sameness": 0.1, "variety": 1.0, "distance": 0.5, "slope": 1.0} | numbers
    return SimpleNamespace(global_step=7), SimpleNamespace(health=health, named_parameters=lambda: iter(()))


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"spread": 0.01}, "nearly constant answer"),
        ({"sameness": 0.999}, "one answer whatever it is shown"),
        ({"variety": 0.01}, "collapsed to few answers"),
        ({"distance": 2e4}, "scores run away"),
        ({"slope": 1e6}, "gradient explodes"),
    ],
)
def test_trouble_that_lasts_stops_with_its_reason(numbers: dict[str, float], words: str) -> None:
    watch = AdversarialWatch(patience=3)
    sick, well = watched(**numbers), watched()
    for _ in range(2):
        watch.on_train_batch_end(*sick, None, None, 0)
    watch.on_train_batch_end(*well, None, None, 0)  # a sign that passes is forgotten
    for _ in range(2):
        watch.on_train_batch_end(*sick, None, None, 0)
    with pytest.raises(CellmlError, match=words):
        watch.on_train_batch_end(*sick, None, None, 0)


def test_nan_stops_at_once() -> None:
    trainer, task = watched(distance=float("nan"))
    with pytest.raises(CellmlError, match="distance became NaN"):
        AdversarialWatch().on_train_batch_end(trainer, task, None, None, 0)
    trainer, task = watched()
    task.named_parameters = lambda: iter([("net.head.weight", torch.tensor([1.0, float("inf")]))])
    with pytest.raises(CellmlError, match=r"net\.head\.weight became NaN or infinite"):
        AdversarialWatch().on_train_batch_end(trainer, task, None, None, 0)


def test_health_by_hand() -> None:
    health, truth = Health(), torch.tensor([-1.0, 1.0, -1.0, 1.0]).reshape(1, 1, 1, 4)
    zero = torch.zeros(())
    first = health.note(0.5 * truth, truth, distance=zero, slope=zero)
    assert first["spread"] == pytest.approx(0.5) and first["sameness"] == 0
    assert health.note(0.25 * truth + 3, truth, distance=zero, slope=zero)["sameness"] == pytest.approx(1.0)
    assert health.note(torch.zeros_like(truth), truth, distance=zero, slope=zero)["sameness"] == 1.0
    assert first["variety"] == 1.0  # a batch of one
    batch = torch.cat([truth, -truth])
    assert health.note(0.25 * batch + 3, batch, distance=zero, slope=zero)["variety"] == pytest.approx(0.25)
    assert health.note(torch.cat([truth, truth]), batch, distance=zero, slope=zero)["variety"] == 0


def test_slices_that_disagree_are_rough_along_the_axis() -> None:
    rng = np.random.default_rng(0)
    truth = torch.from_numpy(np.cumsum(rng.standard_normal((4, 30, 5)), axis=1))
    assert axis_roughness(truth, truth) == pytest.approx(1.0) and axis_roughness(truth, 0.5 * truth) == pytest.approx(0.25)
    assert axis_roughness(truth, truth + 3 * torch.randn(1, 30, 1)) > 5
