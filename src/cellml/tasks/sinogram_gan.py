"""Missing-wedge repair in two adversarial steps: fill the sinograms, then remove what artefacts are left in the slices.

Ding et al. 2019, A joint deep learning model to recover information and reduce artifacts in missing-wedge sinograms for electron tomography
and beyond (doi:10.1038/s41598-019-49267-x): a residual-in-residual dense generator fills the missing rows of each slice's sinogram against
a critic of sinograms; the filled half turn is reconstructed; a U-Net against a critic of slices removes residual artefacts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.data.wedge_damage import standardised
from cellml.infer.predict import SlidingWindow
from cellml.losses.record import LossRecord
from cellml.nets.average import WeightAverage
from cellml.tasks.adversarial import Health, Opponent, uncounted
from cellml.tasks.base import Schedule
from cellml.tasks.restoration import RestorationTask
from cellml.tasks.volume_gan import AveragedWeights, axis_roughness, log_losses, progress, schedulers, stepped


class SinogramGanTask(AveragedWeights, RestorationTask):
    """Two generators, two critics, one after the other in each step; the second learns from what the first one fills.

    net: (B, 2, M, W) sinograms and where they were measured → (B, 1, M, W); remover: slices (B, 1, Z, 1, X) → the same shape;
    reconstruction: of `cellml.tomography`, (lines, rays) → sections, for the filled half turn; target, loss: of the slices, as in
    RestorationTask; filling, removal: the opponents; average, clip: as in VolumeGanTask. Measured rows stay as they were measured. Slices
    are repaired one by one, so that neighbours along the tilt axis need not agree: `val/axis_roughness` says how much they do.
    """

    def __init__(
        self,
        net: nn.Module,
        remover: nn.Module,
        reconstruction: Any,
        target: Any,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        filling: Opponent,
        removal: Opponent,
        schedule: Schedule | None = None,
        window: SlidingWindow | None = None,
        average: float = 0.999,
        clip: float = 1.0,
    ) -> None:
        super().__init__(net, target, loss, optimizer, schedule, window)
        self.automatic_optimization = False
        self.remover, self.reconstruction = remover, reconstruction
        self.filling, self.removal, self.clip, self.health = filling, removal, clip, Health()
        self.average = WeightAverage(nn.ModuleDict({"net": net, "remover": remover}), average)

    @property
    def predictor(self) -> nn.Module:
        """The averaged remover of artefacts, which volumes are tiled for."""
        return self.average.net["remover"]  # type: ignore[index, no-any-return]  # a ModuleDict

    def configure_optimizers(self) -> Any:
        """One optimiser for both generators, one for each critic."""
        self.refuse_rates()
        optimizers = [
            self.make_optimizer([*self.net.parameters(), *self.remover.parameters()]),
            *(player.make_optimizer(list(player.critic.parameters())) for player in (self.filling, self.removal)),
        ]
        return optimizers, schedulers(self, optimizers)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:  # type: ignore[override]  # optimised by hand
        """A step of each critic, then one of both generators. Raises CellmlError where a loss is no longer finite."""
        generators, first, second = self.optimizers()  # type: ignore[misc, attr-defined]  # three of them
        filled, whole, error = self.fill(batch)
        slices, truth = self.slices(filled, batch)
        answer = self.remover(slices)
        flat, real = answer[..., 0, :], truth[..., 0, :]
        judged = [self.filling.learn(self, uncounted(first), whole, filled), self.removal.learn(self, uncounted(second), real, flat)]
        record = self.loss(answer, truth, batch["wedge"][:1].expand(len(answer), 3))
        told = self.filling.opinion(filled, progress(self)) + self.removal.opinion(flat, progress(self))
        slope = stepped(self, generators, error + record.total + told, nn.ModuleList([self.net, self.remover]), self.clip)
        self.average.update(nn.ModuleDict({"net": self.net, "remover": self.remover}))
        parts = {"filling_loss": error, "loss": record.total, **{f"{name}_loss": value for name, value in record.parts.items()}}
        log_losses(self, parts, len(answer))
        for name, one in zip(("filling", "removal"), judged, strict=True):
            log_losses(self, {f"{name}_critic_{part}": value for part, value in one.parts.items()}, len(answer))
        log_losses(self, self.health.note(answer, truth, distance=judged[1].parts["distance"], slope=slope), len(answer))

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """All losses of generators and critics together: for timing a step, not for training."""
        filled, whole, error = self.fill(batch)
        slices, truth = self.slices(filled, batch)
        answer = self.remover(slices)
        record = self.loss(answer, truth, batch["wedge"][:1].expand(len(answer), 3))
        critics = [
            player.loss.critic(player.critic, real, fake.detach()).total
            for player, real, fake in ((self.filling, whole, filled), (self.removal, truth[..., 0, :], answer[..., 0, :]))
        ]
        return LossRecord(error + record.total + sum(critics), record.parts)

    def fill(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Filled and whole sinograms, (B·Y, 1, M, W) both, and the mean absolute and squared error of the missing rows."""
        image, whole = (batch[name].transpose(1, 2).flatten(0, 1) for name in ("image", "sinogram"))
        filled = filled_sinograms(self.net, image)
        missing = 1 - image[:, 1:]
        difference = (filled - whole) * missing
        return filled, whole, (difference.abs().sum() + difference.square().sum()) / missing.sum().clamp(min=1)

    def slices(self, filled: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Reconstructed slices and their truth, (B·Y, 1, Z, 1, X) both, cut to sizes that the remover can halve."""
        truth = batch["labels"]
        count, _, depth, rows, breadth = truth.shape
        sinograms = filled.detach().float().cpu().numpy().reshape(count, rows, *filled.shape[2:])
        tilts = batch["tilts"].cpu().numpy()
        volumes = [reconstructed(part, t, depth, self.reconstruction) for part, t in zip(sinograms, tilts, strict=True)]
        both = torch.stack([torch.from_numpy(np.stack(volumes)).to(truth), truth[:, 0]])
        z, _, x = getattr(self.remover, "multiple", (1, 1, 1))
        both = both[:, :, : depth // z * z, :, : breadth // x * x].transpose(2, 3).flatten(1, 2)[:, :, None, :, None]
        return both[0], both[1]

    def repaired_series(self, image: NDArray[np.float32], tilts: NDArray[np.float64], depth: int) -> NDArray[np.float32]:
        """Filled, reconstructed and cleaned: (2, Y, M, W) as `sinogram_pairs.shown` gives it → (Z, Y, X) of mean 0 and deviation 1."""
        filler = self.average.net["net"]  # type: ignore[index]  # a ModuleDict
        with torch.inference_mode():
            rows = [filled_sinograms(filler, torch.from_numpy(row)[None]).float().numpy()[0, 0] for row in image.transpose(1, 0, 2, 3)]
        volume = standardised(reconstructed(np.stack(rows), tilts, depth, self.reconstruction))
        return np.asarray(self.predict_volume(volume[None])[0])

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Fill, reconstruct and judge one whole block; the reconstruction without filling is what there was before."""
        image, truth, tilts = batch["image"].cpu().numpy(), batch["labels"].float().cpu(), batch["tilts"].cpu().numpy()
        known = image[1, 0, :, 0] > 0
        before = reconstructed(image[0][:, known], tilts[known], truth.shape[1], self.reconstruction)
        answer = torch.from_numpy(self.repaired_series(image, tilts, truth.shape[1]))[None]
        self.judge(answer, truth, torch.from_numpy(before), batch["wedge"].float().cpu(), batch_idx)
        self.found[-1]["axis_roughness"] = axis_roughness(truth, answer)
        return {"image": answer.numpy()}


def filled_sinograms(net: nn.Module, image: Tensor) -> Tensor:
    """(B, 2, M, W) sinograms and where they were measured → (B, 1, M, W): measured rows as they are, the network's answer between."""
    known = image[:, 1:]
    return torch.where(known > 0, image[:, :1], net(image).to(image.dtype))


def reconstructed(sinograms: NDArray[np.float32], tilts: NDArray[np.float64], depth: int, method: Any) -> NDArray[np.float32]:
    """Sinograms (Y, M, W) at tilts (M,) in degrees → sections (Z, Y, X), by a method of `cellml.tomography`; mean 0 and deviation 1."""
    from cellml.tomography.reconstruction import sections, value_unit

    lines = np.ascontiguousarray(sinograms.transpose(1, 0, 2))
    return standardised(sections(lines, tilts, depth, method, unit=value_unit(lines, depth)))
