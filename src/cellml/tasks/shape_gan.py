"""Generators of shapes that learn from a critic alone: DCGAN, WGAN-GP and conditional GAN, which differ by critic, loss and condition."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.nets.average import WeightAverage
from cellml.nets.volume_generator import beside
from cellml.shapes.one_body import smoothed
from cellml.tasks.adversarial import Health, Opponent, uncounted
from cellml.tasks.base import Schedule
from cellml.tasks.grid_shapes import GridShapeTask
from cellml.tasks.shape_target import ShapeTarget
from cellml.tasks.volume_gan import AveragedWeights, log_losses, progress, schedulers, stepped

if TYPE_CHECKING:
    from cellml.data.shape_arrays import GridRepresentation


_SETTLING, _TOGETHER = 8, 64  # batches, and codes in each, by which batch normalisation settles


class ShapeGanTask(AveragedWeights, GridShapeTask):
    """A generator (`VolumeGenerator`) of codes (B, K) → (B, 2, Z, Y, X) against a critic of what it makes.

    opponent: critic, loss, second time scale and rounds. With `NonSaturatingLoss` and batch normalisation this is DCGAN (Radford et al.
    2016, arXiv:1511.06434); with `WassersteinLoss` and none in the critic WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028); and where
    target.classes are named, a conditional GAN (Mirza and Osindero 2014, arXiv:1411.1784), whose critic sees the condition as further
    channels. A code is (z, c): standard normal numbers, and the condition. average: decay of the running average of the generator's
    weights, which makes the shapes; clip: largest norm of its gradient; smoothing: of the surface through a grid that it made, σ in voxels,
    for critics see single voxels that no surface needs; the rest as in `GridShapeTask`. Training is watched by
    `cellml.callbacks.adversarial_watch.AdversarialWatch`, also where the configuration names no such callback.
    """

    net: Any

    def __init__(
        self,
        net: nn.Module,
        target: ShapeTarget,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        opponent: Opponent,
        representation: GridRepresentation,
        schedule: Schedule | None = None,
        average: float = 0.995,
        clip: float = 10.0,
        judged: int = 48,
        smoothing: float = 0.7,
    ) -> None:
        super().__init__(net, target, opponent.loss, optimizer, representation, schedule, judged)
        self.automatic_optimization, self.smoothing = False, smoothing
        self.require_play(opponent)
        self.opponent, self.average, self.clip, self.health = opponent, WeightAverage(net, average), clip, Health()

    def require_play(self, opponent: Opponent) -> None:
        """Raise CellmlError where the generator has no room for noise, or nothing to learn from."""
        if opponent.begin > 0 or opponent.weight == 0:
            raise CellmlError(
                f"A generator of shapes learns from its critic alone: set task.opponent.begin=0 (it is {opponent.begin:g}) and a weight "
                f"above 0 (it is {opponent.weight:g})."
            )
        if self.noise < 1:
            raise CellmlError(
                f"The generator takes {self.net.latent} numbers, of which {self.net.latent - self.noise} are the condition and codes; "
                "set task.net.latent to more."
            )

    @property
    def noise(self) -> int:
        """Standard normal numbers of a code."""
        return int(self.net.latent) - self.target.size

    @property
    def inner(self) -> int:
        """Numbers of a code before those of the condition."""
        return self.noise

    @property
    def predictor(self) -> nn.Module:
        """The averaged generator."""
        return self.average.net

    def measure(self, blocks: Sequence[Any]) -> None:
        """Take sizes and conditions from training shapes, and begin at their mean."""
        super().measure(blocks)
        grids = torch.stack([block.sample()["image"] for block in blocks]).to(self.device) / self.representation.truncate
        for net in (self.net, self.average.net):
            net.start(grids)  # type: ignore[operator]  # a generator's

    def configure_callbacks(self) -> list[Any]:
        """The watch on collapse, where none was configured."""
        from cellml.callbacks.adversarial_watch import AdversarialWatch

        present = any(isinstance(c, AdversarialWatch) for c in self.trainer.callbacks)  # type: ignore[attr-defined]
        return [] if present else [AdversarialWatch()]

    def configure_optimizers(self) -> Any:
        """The generator's and the critic's optimisers, and their schedules."""
        self.refuse_rates()
        optimizers = [
            self.make_optimizer([p for p in self.learners().parameters() if p.requires_grad]),
            self.opponent.make_optimizer(list(self.opponent.critic.parameters())),
        ]
        return optimizers, schedulers(self, optimizers)

    def learners(self) -> nn.Module:
        """What the generator's optimiser moves."""
        return self.net  # type: ignore[no-any-return]

    def shown(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Real shapes as the generator would make them, (B, 2, Z, Y, X), and their conditions (B, C)."""
        grids = batch["image"] / self.representation.truncate
        return beside(grids, self.sizes_of(batch["unit"])[:, None]), self.target.vector(batch["label"], batch["frame"])

    def drawn(self, conditions: Tensor, random: torch.Generator | None) -> Tensor:
        """Standard normal numbers (B, noise)."""
        return torch.randn(len(conditions), self.noise, generator=random)

    def invented(self, conditions: Tensor) -> Tensor:
        """New codes (B, K) for conditions (B, C), in training."""
        return torch.cat([self.drawn(conditions, None).to(conditions), conditions], dim=1)

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """Generator's and critic's losses together: for timing a step, not for training."""
        real, conditions = self.shown(batch)
        fake = beside(self.net(self.invented(conditions)), conditions)
        critic = self.opponent.loss.critic(self.opponent.critic, beside(real, conditions), fake.detach())
        return LossRecord(critic.total + self.opponent.loss.generator(self.opponent.critic, fake), critic.parts)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:  # type: ignore[override]  # optimised by hand
        """The critic's steps, then one of the generator. Raises CellmlError where a loss is no longer finite."""
        generator, critic = self.optimizers()  # type: ignore[misc, attr-defined]  # two of them
        real, conditions = self.shown(batch)

        def fakes() -> Tensor:
            return beside(self.net(self.invented(conditions)), conditions)

        judged = self.opponent.learn(self, uncounted(critic), beside(real, conditions), fakes)
        codes = self.invented(conditions)
        fake = self.net(codes)
        total, parts = self.told(fake, codes, conditions)
        slope = stepped(self, generator, total, self.learners(), self.clip)
        self.average.update(self.net)
        log_losses(self, {"loss": total.detach(), **parts}, len(real))
        log_losses(self, {f"critic_{name}": value for name, value in judged.parts.items()}, len(real))
        log_losses(self, self.health.note(fake[:, :1], real[:, :1], distance=judged.parts["distance"], slope=slope), len(real))

    def told(self, fake: Tensor, codes: Tensor, conditions: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """What the generator minimises for its shapes (B, 2, Z, Y, X) of these codes, and parts to log."""
        return self.opponent.opinion(beside(fake, conditions), progress(self)), {}

    def grids(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, K) → distances (B, Z, Y, X) in voxels and sizes (B,), by the averaged generator."""
        made = self.predictor(codes).float()
        distances = (self.representation.truncate * made[:, 0]).detach().cpu().numpy()
        smooth = torch.from_numpy(np.stack([smoothed(grid, self.smoothing) for grid in distances])).to(made)
        return smooth, made[:, 1].mean(dim=(1, 2, 3))

    @torch.no_grad()
    def settle(self) -> None:
        """Measure what the averaged generator's batch normalisation goes by: its moments are others than those of the last step's weights.

        On codes drawn with seeds of their own, so that the same weights give the same shapes.
        """
        layers = [module for module in self.predictor.modules() if isinstance(module, nn.BatchNorm3d)]
        kept = [layer.momentum for layer in layers]
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # the plain mean over batches
            layer.train()
        for seed in range(_SETTLING if layers else 0):
            self.predictor(self.raw_sample(_TOGETHER, seed, ""))
        for layer, momentum in zip(layers, kept, strict=True):
            layer.momentum = momentum
            layer.eval()

    def on_validation_epoch_start(self) -> None:
        """Forget the last validation, and settle."""
        super().on_validation_epoch_start()
        self.settle()

    @torch.no_grad()
    def log_density(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Natural logarithm of the density of z, standard normal, plus that of the class's frequency, (N,).

        Of the codes that shapes are made of, not of the shapes: a GAN has none of those.
        """
        given = self.as_codes(codes).double()
        noise = given[:, : self.noise]
        density = -0.5 * noise.square().sum(dim=1) - self.noise * math.log(2 * math.pi) / 2
        return (density + self.target.log_prob(given[:, self.inner :].float())).cpu().numpy()  # type: ignore[no-any-return]

    def prediction_state(self) -> dict[str, Tensor]:
        """The averaged generator, settled, and what was measured of sizes and conditions; no critic."""
        self.settle()
        measured = {name: value for name, value in self.state_dict().items() if name == "log_size" or name.startswith("target.")}
        return {**super().prediction_state(), **measured}
