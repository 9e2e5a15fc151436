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
from cellml.errors import CellmlError
from cellml.infer.predict import SlidingWindow
from cellml.losses.record import LossRecord
from cellml.nets.average import WeightAverage
from cellml.tasks.adversarial import Health, Opponent, uncounted
from cellml.tasks.base import Schedule
from cellml.tasks.restoration import RestorationTask
from cellml.tasks.volume_gan import AveragedWeights, axis_roughness, log_losses, progress, schedulers, stepped


class SinogramGanTask(AveragedWeights, RestorationTask):
    """Two generators, two critics, one after the other in each step; the second learns from what the first one fills.

    net: (B, 2, M, W) sinograms and where they were measured → (B, 1, M, W); remover: reconstructions (B, C, Z, Y, X) → (B, 1, Z, Y, X),
    shown the filled half turn, and where it takes two channels the measured tilts alone beside it; reconstruction: of
    `cellml.tomography`, (lines, rays) → sections, for both; target, loss: of the volumes, as in RestorationTask; filling, removal: the
    opponents, who judge rows and slices; average, clip: as in VolumeGanTask. Measured rows stay as they were measured. A remover without
    kernels along y repairs slice by slice, as published: neighbours along the tilt axis then need not agree, and `val/axis_roughness`
    says how much they do.
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
        volumes, truth = self.volumes(filled, batch)
        answer = self.remover(volumes)
        flat, real = slices(answer), slices(truth)
        judged = [self.filling.learn(self, uncounted(first), whole, filled), self.removal.learn(self, uncounted(second), real, flat)]
        record = self.loss(answer, truth, batch["wedge"])
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
        volumes, truth = self.volumes(filled, batch)
        answer = self.remover(volumes)
        record = self.loss(answer, truth, batch["wedge"])
        critics = [
            player.loss.critic(player.critic, real, fake.detach()).total
            for player, real, fake in ((self.filling, whole, filled), (self.removal, slices(truth), slices(answer)))
        ]
        return LossRecord(error + record.total + sum(critics), record.parts)

    def fill(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Filled and whole sinograms, (B·Y, 1, M, W) both, and the mean absolute and squared error of the missing rows."""
        image, whole = (batch[name].transpose(1, 2).flatten(0, 1) for name in ("image", "sinogram"))
        filled = filled_sinograms(self.net, image)
        missing = 1 - image[:, 1:]
        difference = (filled - whole) * missing
        return filled, whole, (difference.abs().sum() + difference.square().sum()) / missing.sum().clamp(min=1)

    def volumes(self, filled: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """What the remover sees, (B, C, Z, Y, X), and its truth (B, 1, Z, Y, X), cut to sizes that it can halve.

        Raises CellmlError for items smaller than that.
        """
        truth = batch["labels"]
        count, _, depth, rows, breadth = truth.shape
        sinograms = filled.detach().float().cpu().numpy().reshape(count, rows, *filled.shape[2:])
        known = (batch["image"][:, 1, 0, :, 0] > 0).cpu().numpy()
        seen = [self.views(*one, depth) for one in zip(sinograms, known, batch["tilts"].cpu().numpy(), strict=True)]
        multiple = getattr(self.remover, "multiple", (1, 1, 1))
        kept = [n // m * m for n, m in zip((depth, rows, breadth), multiple, strict=True)]
        if not all(kept):
            raise CellmlError(
                f"The remover of artefacts halves volumes of at least {tuple(multiple)} voxels (z, y, x), and an item has "
                f"{(depth, rows, breadth)}: enlarge data.section or data.rows, or give task.remover fewer widths."
            )
        part: tuple[Any, ...] = (..., *(slice(n) for n in kept))
        return torch.from_numpy(np.stack(seen)).to(truth)[part], truth[part]

    def views(self, filled: NDArray[np.float32], known: NDArray[np.bool_], tilts: NDArray[np.float64], depth: int) -> NDArray[np.float32]:
        """Reconstructions (C, Z, Y, X) of filled sinograms (Y, M, W), and for two channels of their measured rows `known` (M,) alone."""
        parts = [(filled, tilts), (filled[:, known], tilts[known])][: getattr(self.remover, "in_channels", 1)]
        return np.stack([reconstructed(lines, t, depth, self.reconstruction) for lines, t in parts])

    def filled_series(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sinograms (2, Y, M, W) as `sinogram_pairs.shown` gives them, filled row by row by the averaged network: (Y, M, W)."""
        filler = self.average.net["net"]  # type: ignore[index]  # a ModuleDict
        place = next(filler.parameters()).device
        rows = (torch.from_numpy(row)[None].to(place) for row in image.swapaxes(0, 1))
        with torch.inference_mode():
            return np.stack([filled_sinograms(filler, row)[0, 0].float().cpu().numpy() for row in rows])

    def repaired_series(self, image: NDArray[np.float32], tilts: NDArray[np.float64], depth: int) -> NDArray[np.float32]:
        """Filled, reconstructed and cleaned: (2, Y, M, W) as `sinogram_pairs.shown` gives it → (Z, Y, X) of mean 0 and deviation 1."""
        return self.cleaned(self.filled_series(image), image[1, 0, :, 0] > 0, tilts, depth)

    def cleaned(self, filled: NDArray[np.float32], known: NDArray[np.bool_], tilts: NDArray[np.float64], depth: int) -> NDArray[np.float32]:
        """Filled sinograms (Y, M, W), of which the rows `known` (M,) were measured → (Z, Y, X)."""
        return np.asarray(self.predict_volume(self.views(filled, known, tilts, depth))[0])

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Fill, reconstruct and judge one whole block; the reconstruction without filling is what there was before.

        `val/filled`: the share of the missing rows' power that was found, 1 − Σ (filled − whole)² / Σ whole²; 0 for rows left empty.
        """
        image, truth, tilts = batch["image"].cpu().numpy(), batch["labels"].float().cpu(), batch["tilts"].cpu().numpy()
        whole, known = batch["sinogram"].cpu().numpy()[0], image[1, 0, :, 0] > 0
        before = reconstructed(image[0][:, known], tilts[known], truth.shape[1], self.reconstruction)
        filled = self.filled_series(image)
        answer = torch.from_numpy(self.cleaned(filled, known, tilts, truth.shape[1]))[None]
        self.judge(answer, truth, torch.from_numpy(before), batch["wedge"].float().cpu(), batch_idx)
        error, power = (float(np.square(rows[:, ~known]).sum(dtype=np.float64)) for rows in (filled - whole, whole))
        self.found[-1] |= {"axis_roughness": axis_roughness(truth, answer), "filled": 1 - error / max(power, 1e-12)}
        return {"image": answer.numpy()}


def filled_sinograms(net: nn.Module, image: Tensor) -> Tensor:
    """(B, 2, M, W) sinograms and where they were measured → (B, 1, M, W): measured rows as they are, the network's answer between."""
    known = image[:, 1:]
    return torch.where(known > 0, image[:, :1], net(image).to(image.dtype))


def slices(volume: Tensor) -> Tensor:
    """(B, 1, Z, Y, X) → (B·Y, 1, Z, X), the sections across the tilt axis."""
    return volume.transpose(1, 3).flatten(0, 1).transpose(1, 2)


def reconstructed(sinograms: NDArray[np.float32], tilts: NDArray[np.float64], depth: int, method: Any) -> NDArray[np.float32]:
    """Sinograms (Y, M, W) at tilts (M,) in degrees → sections (Z, Y, X), by a method of `cellml.tomography`; mean 0 and deviation 1."""
    from cellml.tomography.reconstruction import sections, value_unit

    lines = np.ascontiguousarray(sinograms.transpose(1, 0, 2))
    return standardised(sections(lines, tilts, depth, method, unit=value_unit(lines, depth)))
