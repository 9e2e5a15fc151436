"""The task of shape autoencoders: codes of shapes, shapes of codes, new codes, and how likely each is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.nets.coupling_flow import StandardNormal
from cellml.tasks.base import Schedule, VolumeTask
from cellml.tasks.redrawn import redrawn, with_body
from cellml.tasks.shape_target import ShapeTarget, batch_of
from cellml.types import Surface

if TYPE_CHECKING:
    from cellml.shapes.population import Population

log = logging.getLogger(__name__)

_TOGETHER = 64  # shapes that are validated, encoded or decoded at a time


class ShapeVaeTask(VolumeTask):
    """An autoencoder of shapes (`ResidualVae`, `SdfVae`) on the data of `cellml.data.shape_module`; a `cellml.shapes.model.ShapeModel`.

    net: `start(values)`, `posterior(values, conditions)`, `decode(codes, conditions)`; target: what shapes are conditioned on; loss: of
    `cellml.losses.shapes`; representation: how shapes become arrays, the data's; prior: density of codes, such as `CouplingFlow`, fitted
    to the codes of the training shapes beside the autoencoder, None for the standard normal; refine: steps by which `encode` improves the
    codes, where the network can; rounds: epochs at whose beginning the residual is solved for, where it can be (`ResidualVae.solve`), by
    coordinate descent beside the gradient's steps; seed: of the noise of training.

    A code is (z, s, c): z of the network, s the standardised logarithm of the size where the representation takes the size out, and the
    condition c. Validation logs `val/loss` and what the representation measures, such as `val/surface_nm`.
    """

    net: Any
    prior: Any
    target: ShapeTarget
    unit_middle: Tensor
    unit_spread: Tensor
    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  a shape has nothing to decode

    def __init__(
        self,
        net: nn.Module,
        target: ShapeTarget,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        representation: Any,
        schedule: Schedule | None = None,
        prior: nn.Module | None = None,
        refine: int = 0,
        rounds: int = 3,
        seed: int = 0,
    ) -> None:
        super().__init__(net, target, loss, optimizer, schedule)
        if self.net.conditions != target.size:
            raise CellmlError(
                f"The network is conditioned on {self.net.conditions} numbers, but task.target names {target.size}; "
                f"set task.net.conditions={target.size}."
            )
        wanted = self.net.latent + bool(self.net.sized)
        if getattr(prior, "size", wanted) != wanted or getattr(prior, "given", target.size) != target.size:
            raise CellmlError(
                f"The codes have {wanted} numbers and {target.size} conditions; set task.prior.size and .conditions to these."
            )
        self.representation, self.prior = representation, prior or StandardNormal()
        self.refine, self.rounds, self.seed = refine, rounds, seed
        self.register_buffer("unit_middle", torch.zeros(()))
        self.register_buffer("unit_spread", torch.ones(()))
        self._seen: list[dict[str, Tensor]] = []

    def on_fit_start(self) -> None:
        """At the very start: the network's first state, sizes and conditions are measured on the training shapes."""
        if self.global_step == 0:
            self.measure(self.trainer.datamodule.training_blocks)  # type: ignore[attr-defined]

    def on_train_epoch_start(self) -> None:
        """In the first epochs, solve for the residual."""
        if self.current_epoch < self.rounds and hasattr(self.net, "solve"):
            batch = self._gathered(self.trainer.datamodule.training_blocks)  # type: ignore[attr-defined]
            self.net.solve(batch["image"], self.target.vector(batch["label"], batch["frame"]))

    def _gathered(self, blocks: Any) -> dict[str, Tensor]:
        samples = [block.sample() for block in blocks]
        return {name: torch.stack([sample[name] for sample in samples]).to(self.device) for name in samples[0]}

    def measure(self, blocks: Any) -> None:
        """Start from training shapes, given as `ShapeBlock`s."""
        batch = self._gathered(blocks)
        self.target.measure(batch["label"], batch["frame"])
        self.net.start(batch["image"], self.target.vector(batch["label"], batch["frame"]))
        if self.net.sized:
            sizes = batch["unit"].log()
            self.unit_middle.copy_(sizes.mean())
            self.unit_spread.copy_(sizes.std().clamp(min=1e-3))

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """−ELBO of {"image": (B, C, …), "unit": (B,), "label": (B,), "frame": (B, F)}, and the prior's misfit to the codes."""
        draw = torch.Generator().manual_seed(1_000_003 * self.seed + self.global_step)
        return self._loss(batch, draw)

    def _loss(self, batch: dict[str, Tensor], draw: torch.Generator | None) -> LossRecord:
        conditions = self.target.vector(batch["label"], batch["frame"])
        mean, log_variance = self.net.posterior(batch["image"], conditions)
        codes = mean
        if draw is not None:
            codes = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=draw).to(mean)
        predicted = self.net.decode(codes, conditions)
        record: LossRecord = self.loss(predicted, batch["image"], mean, log_variance, getattr(self.net, "noise", None))
        if isinstance(self.prior, StandardNormal):
            return record
        misfit = -self.prior.log_prob(self.with_size(codes.detach(), batch["unit"]), conditions).mean()
        return LossRecord(record.total + misfit, {**record.parts, "prior": misfit.detach()})

    def with_size(self, codes: Tensor, units: Tensor) -> Tensor:
        """Codes z (B, K) of shapes with these units (B,) nm → (z, s), where the representation takes the size out."""
        if not self.net.sized:
            return codes
        return torch.cat([codes, ((units.to(codes).log() - self.unit_middle) / self.unit_spread)[:, None]], dim=1)

    def on_validation_epoch_start(self) -> None:
        """Forget the last validation."""
        self._seen = []

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Take one shape; all are judged together at the end."""
        self._seen.append({name: batch[name] for name in ("image", "unit", "label", "frame")})

    def on_validation_epoch_end(self) -> None:
        """Choose how far the residual is trusted, where there is one, and log the scores of all shapes."""
        if not self._seen:
            return
        batch = {name: torch.stack([one[name] for one in self._seen]) for name in self._seen[0]}
        if hasattr(self.net, "trust"):
            chosen = self.net.trust(batch["image"], self.target.vector(batch["label"], batch["frame"]))
            self.log_dict({f"val/{name}": float(value) for name, value in chosen.items()})
        self.log("val/loss", self._loss(batch, None).total)
        conditions = self.target.vector(batch["label"], batch["frame"])
        decoded = self.net.decode(self._best_codes(batch["image"], conditions), conditions)
        scores = self.representation.scores(decoded.cpu().numpy(), batch["image"].cpu().numpy(), batch["unit"].cpu().numpy())
        self.log_dict({f"val/{name}": float(value) for name, value in scores.items()}, prog_bar=True)

    def _best_codes(self, values: Tensor, conditions: Tensor) -> Tensor:
        if self.refine and hasattr(self.net, "refined"):
            return self.net.refined(values, conditions, self.refine)  # type: ignore[no-any-return]
        return self.net.posterior(values, conditions)[0]  # type: ignore[no-any-return]

    @torch.no_grad()
    def encode(self, population: Population) -> NDArray[np.float64]:
        """Codes of shapes, (N, K): the posterior's mean, refined where `refine` says so. Shapes of unknown class have no class in c."""
        batch = batch_of(population, self.representation, self.target)
        conditions = self.target.vector(batch["label"], batch["frame"])
        parts = zip(*(part.split(_TOGETHER) for part in (batch["image"], conditions, batch["unit"])), strict=True)
        codes = [torch.cat([self.with_size(self._best_codes(v, c), u), c], dim=1) for v, c, u in parts]
        return torch.cat(codes).double().cpu().numpy()

    @torch.no_grad()
    def decode(self, codes: NDArray[np.float64]) -> list[Surface]:
        """Surfaces of codes (N, K), nm, in the frame that the representation turns shapes to."""
        found: list[Surface] = []
        for part in self._as_codes(codes).split(_TOGETHER):
            latent, units, conditions = self._parts(part)
            values = self.net.decode(latent, conditions).double().cpu().numpy()
            found += [
                self.representation.surface(one, float(unit), f"shape {len(found) + n}")
                for n, (one, unit) in enumerate(zip(values, units, strict=True))
            ]
        return found

    @torch.no_grad()
    def sample(self, count: int, seed: int, condition: str = "") -> NDArray[np.float64]:
        """New codes (count, K). condition: a class, numbers of the frame ("depth=0.4"), or "" for classes as frequent as in training.

        A code whose grid holds nothing is drawn again. Raises CellmlError for a count below 1, a condition that the model does not know,
        and a model most of whose codes make nothing.
        """

        def draw(wanted: int, number: int) -> Tensor:
            random = torch.Generator().manual_seed(number)
            conditions = self.target.parsed(condition, wanted, random).to(self.device)
            noise = torch.randn(wanted, self.net.latent + bool(self.net.sized), generator=random).to(self.device)
            return torch.cat([self.prior.sample(noise, conditions), conditions], dim=1)

        return redrawn(count, seed, draw, self._holds)

    def _holds(self, codes: Tensor) -> NDArray[np.bool_]:
        if not self.net.sized:  # coefficients always make a surface
            return np.ones(len(codes), bool)
        made = [self.net.decode(*self._parts(part)[::2])[:, 0].cpu().numpy() for part in codes.split(_TOGETHER)]
        return with_body(np.concatenate(made))

    @torch.no_grad()
    def log_density(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Natural logarithm of the prior's density of (z, s) given c, plus that of the class's frequency, (N,)."""
        given = self._as_codes(codes)
        inner = self.net.latent + bool(self.net.sized)
        latent, conditions = given[:, :inner], given[:, inner:]
        found = self.prior.log_prob(latent, conditions) + self.target.log_prob(conditions)
        return found.double().cpu().numpy()  # type: ignore[no-any-return]

    def _as_codes(self, codes: NDArray[np.float64]) -> Tensor:
        size = self.net.latent + bool(self.net.sized) + self.target.size
        array = np.asarray(codes, np.float64)
        if array.ndim != 2 or array.shape[1] != size or not np.isfinite(array).all():
            raise CellmlError(f"Codes of this model are finite numbers (N, {size}), not {array.shape}.")
        return torch.as_tensor(array, dtype=torch.float32, device=self.device)

    def _parts(self, codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        latent, rest = codes[:, : self.net.latent], codes[:, self.net.latent :]
        if not self.net.sized:
            return latent, codes.new_ones(len(codes)), rest
        return latent, (rest[:, 0] * self.unit_spread + self.unit_middle).exp(), rest[:, 1:]
