"""Missing-wedge repair and denoising of a single tomogram, without truth."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.losses.removed_wedge import spectrum
from cellml.tasks.base import VolumeTask


class SelfRestorationTask(VolumeTask):
    """Learns from rotated blocks what a wedge takes away (DeepDeWedge: Wiedemann and Heckel 2024, doi:10.1038/s41467-024-51438-y; after
    IsoNet: Liu et al. 2022, doi:10.1038/s41467-022-33957-8; likewise IsoNet 2).

    v₀, v₁: the reconstructions of two halves of the tilts (for a single tomogram, both the same); R: a random rotation. The network is
    shown x = F⁻¹ M F R v₀, which lacks the wedge of its own frame, and judged by y = R v₁ where that was measured, at M_R
    (`RemovedWedgeLoss`). The wedge in the frame of the microscope is like the one that was removed, so that after training f(v₀) restores
    it; the answer is ½ (f(v₀) + f(v₁)).

    Arguments as in VolumeTask; target: `RemovedWedge`; loss: `RemovedWedgeLoss`; refill: after so many steps the wedge of v₀ and v₁, where
    they are inputs, is filled with the network's own answer, v ← F⁻¹[M F v + (1 − M) F f(v)], so that a rotated block lacks one wedge and
    not two; 0 never does. Validation logs `val/loss`, and `val/restored`: 1 − error / (error of answering 0) at the removed coefficients,
    whose noise counts as an error.
    """

    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  an image has nothing to decode
    filler: torch.nn.Module
    filled_at: Tensor

    def __init__(self, *args: Any, refill: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if refill < 0:
            raise CellmlError(f"task.refill is {refill}; it must be a number of steps, or 0 to leave the inputs' wedge empty.")
        self.refill = refill
        if refill:
            self.filler = copy.deepcopy(self.net).requires_grad_(False)
            self.register_buffer("filled_at", torch.tensor(-1))

    @property
    def predictor(self) -> torch.nn.Module:
        """The network that repairs whole volumes."""
        return self.net

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """The loss on what `RotatedWedges` gives, batched."""
        size = batch["labels"].shape[-1]
        with torch.autocast(batch["image"].device.type, enabled=False):
            shown = self.target.damaged(batch["image"], size)
            kept, known = self.target.masks(batch["rotation"], size)
        output = self.net(shown)
        with torch.autocast(batch["image"].device.type, enabled=False):
            return self.loss(output, batch["labels"], batch["window"], kept, known)  # type: ignore[no-any-return]

    def on_fit_start(self) -> None:
        """Fill the inputs as they were where a resumed run stood."""
        if not self.refill:
            return
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        if data.num_workers:
            raise CellmlError(f"task.refill={self.refill} changes the data while training; it needs data.num_workers=0.")
        if self.global_step and self.global_step % self.refill == 0:
            self._fill(self.global_step)
        elif self.filled_at >= 0:
            self._show()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Fill the inputs anew every `refill` steps, but not after the last."""
        if self.refill and self.global_step % self.refill == 0 and self.global_step != self.trainer.max_steps:
            self._fill(self.global_step)

    def _fill(self, step: int) -> None:
        self.filler.load_state_dict(self.net.state_dict())
        self.filled_at.fill_(step)
        self._show()

    def _show(self) -> None:
        """Let the data show the tomogram filled by the filler's answers, half by half."""
        halves = self.trainer.datamodule.halves  # type: ignore[attr-defined]
        self.filler.eval()
        answers = [self.window.whole(self.filler, half[None].numpy(), activation=self.target.activation) for half in halves.voxels]
        halves.show(self.target.fill(halves.voxels, torch.cat([torch.from_numpy(answer) for answer in answers])))

    def on_validation_epoch_start(self) -> None:
        """Start the sums anew: loss, error and power of the removed coefficients, blocks."""
        self.sums = torch.zeros(4, dtype=torch.float64)

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Judge the network on a rotated block."""
        record = self.loss_of(batch)
        kept, known = self.target.masks(batch["rotation"], batch["labels"].shape[-1])
        power = spectrum(batch["labels"] * batch["window"]) / batch["window"].square().sum().clamp(min=1)
        removed = (power * (1 - kept) * known).sum()
        self.sums += torch.stack([record.total, record.parts["removed"], removed, torch.ones(())]).double().cpu()

    def on_validation_epoch_end(self) -> None:
        """Log scores of the sums."""
        loss, error, power, blocks = (float(value) for value in self.sums)
        self.log("val/loss", loss / max(blocks, 1.0))
        self.log("val/restored", 1 - error / max(power, 1e-12), prog_bar=True)
