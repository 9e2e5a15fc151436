"""Segmentation with a simulated answer in its loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cellml.data.procedural_cells import three_numbers
from cellml.errors import CellmlError
from cellml.losses.physics import PhysicsLoss
from cellml.losses.record import LossRecord
from cellml.meshhead.cut import Cutting
from cellml.meshhead.head import Frame
from cellml.meshhead.logits import cut_logits
from cellml.meshhead.scores import scores_of_distances
from cellml.sim.shape_gradient.answers import answers_of_cut
from cellml.tasks.deep_supervision import supervised_loss
from cellml.tasks.segmentation import SegmentationTask


class PhysicsSegmentationTask(SegmentationTask):
    """A semantic segmentation whose classes are also meshed in every step, and whose meshes' answers are compared with the truth's.

    physics: `cellml.losses.physics`; spacing_nm: (z, y, x) of the training voxels; step_voxels: edge of the grid's cubes, in cube roots of
    the voxel's volume; segmentation: arguments of `SegmentationTask`. A patch must show what its observables ask for whole: others are
    counted as left out. Raises CellmlError for a target that has no classes.
    """

    def __init__(self, *, physics: PhysicsLoss, spacing_nm: Sequence[float], step_voxels: float = 2.0, **segmentation: Any) -> None:
        super().__init__(**segmentation)
        if self.target.kind != "semantic":
            raise CellmlError(
                "A physics loss needs classes to mesh; give a semantic target (task=semantic), or use the certified mesh head."
            )
        self.physics = physics
        self.spacing = three_numbers(spacing_nm, "task.spacing_nm", "[12,12,12]")
        self.step_nm = step_voxels * float(np.prod(self.spacing)) ** (1 / 3)
        self.names = dict(enumerate(self.target.classes))

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """The loss on {"image": (B, C, z, y, x), "labels": (B, z, y, x)} and, where they are known, "answers": (B, O); else these are those
        of the labels.
        """
        target, mask = self.target(batch["labels"])
        answer = self.net(batch["image"])
        record = supervised_loss(self.loss, answer, target, mask, getattr(self.net, "supervision", None))
        if not self.physics.weight:
            return record  # type: ignore[no-any-return]
        true = batch["answers"] if "answers" in batch else [self._true_answers(labels) for labels in batch["labels"]]
        terms = [self.physics(self._answers(one.float()), of) for one, of in zip(_main(answer), true, strict=True)]
        term = torch.stack(terms).mean().to(record.total.device)
        return LossRecord(record.total + term, {**record.parts, "physics": term})

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """One step; logs the share of simulated answers that could not be had, and so taught nothing."""
        loss = super().training_step(batch, batch_idx)
        self.log("train/physics_left_out", self.physics.left_out, batch_size=len(batch["image"]))
        return loss

    def _answers(self, logits: Tensor) -> Tensor:
        """Simulated answers (O,) of logits (K, z, y, x), with gradient."""
        z, y, x = logits.shape[1:]
        grid, made = cut_logits(logits, Frame((z, y, x), self.spacing), self.step_nm, Cutting())
        return answers_of_cut(self.physics.observables, grid, made, self.names)

    @torch.no_grad()
    def _true_answers(self, labels: Tensor) -> Tensor:
        """Those of labels (z, y, x), by the smoothed distances to their surfaces; NaN where voxels are unlabelled."""
        from cellml.data.compartment_distances import compartment_distances

        if (labels < 0).any():
            return torch.full((len(self.physics.observables),), torch.nan, dtype=torch.float64)
        solids = [[number] for number in self.names if number]
        distances = compartment_distances(labels.cpu().numpy(), self.spacing, solids)
        return self._answers(scores_of_distances(torch.from_numpy(distances).flatten(1)).reshape(-1, *labels.shape))


def _main(answer: Tensor | Sequence[Tensor]) -> Tensor:
    """The answer at full resolution, (B, K, z, y, x), of networks that answer at several depths too."""
    if isinstance(answer, Tensor):
        return answer[:, 0] if answer.ndim == 6 else answer
    return answer[0]
