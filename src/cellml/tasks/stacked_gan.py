"""A two-stage GAN of shapes: first coarse shapes against a coarse critic, then fine ones, made from the coarse, against a fine critic."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.nets.volume_generator import beside
from cellml.tasks.adversarial import Opponent, uncounted
from cellml.tasks.shape_gan import ShapeGanTask
from cellml.tasks.volume_gan import log_losses, progress, schedulers, stepped


class StackedGanTask(ShapeGanTask):
    """A `ShapeGanTask` with a `StackedGenerator`, whose stages learn one after the other (Zhang et al. 2017, arXiv:1612.03242).

    opponent: of the fine grids; coarse: of those half as fine; share: of the training that the first stage has, after which it stays as it
    is; the rest as in `ShapeGanTask`. Raises CellmlError for a share that leaves one of the stages nothing.
    """

    def __init__(self, *, coarse: Opponent, share: float = 0.5, **gan: Any) -> None:
        super().__init__(**gan)
        if not 0 < share < 1:
            raise CellmlError(f"task.share is {share}; the first stage has a share of the training above 0 and below 1.")
        self.require_play(coarse)
        self.coarse, self.share = coarse, share

    def configure_optimizers(self) -> Any:
        """The generator's optimiser, of both stages, and one of each critic."""
        self.refuse_rates()
        optimizers = [
            self.make_optimizer([p for p in self.net.parameters() if p.requires_grad]),
            *(o.make_optimizer(list(o.critic.parameters())) for o in (self.opponent, self.coarse)),
        ]
        return optimizers, schedulers(self, optimizers)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:  # type: ignore[override]  # optimised by hand
        """The steps of the critic whose stage it is, then one of that stage. Raises CellmlError where a loss is no longer finite."""
        generator, fine_critic, coarse_critic = self.optimizers()  # type: ignore[misc, attr-defined]  # three of them
        first = progress(self) < self.share
        opponent, critic = (self.coarse, coarse_critic) if first else (self.opponent, fine_critic)
        real, conditions = self.shown(batch)
        real = functional.avg_pool3d(real, 2) if first else real

        def fakes() -> Tensor:
            return beside(self.staged(self.invented(conditions), first), conditions)

        judged = opponent.learn(self, uncounted(critic), beside(real, conditions), fakes)
        fake = fakes()
        total = opponent.opinion(fake, 1.0)
        slope = stepped(self, generator, total, self.net, self.clip)
        self.average.update(self.net)
        log_losses(self, {"loss": total.detach()}, len(real))
        log_losses(self, {f"critic_{name}": value for name, value in judged.parts.items()}, len(real))
        log_losses(self, self.health.note(fake[:, :1], real[:, :1], distance=judged.parts["distance"], slope=slope), len(real))

    def staged(self, codes: Tensor, first: bool) -> Tensor:
        """Shapes of the first stage alone, or of the second from a first that does not learn any more: neither weights nor statistics."""
        if first:
            return self.net.coarse(codes)  # type: ignore[no-any-return]
        mode = self.net.first.training
        self.net.first.eval()
        with torch.no_grad():
            coarse = self.net.coarse(codes)
        self.net.first.train(mode)
        return self.net.fine(coarse, codes)  # type: ignore[no-any-return]
