"""Tasks that understand meshes: to which class one belongs, or which part each of its points or edges is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.tasks.base import Schedule, VolumeTask


class ClassTarget:
    """classes: names, in the order of the data's label numbers. Raises CellmlError for fewer than two or repeated ones."""

    kind = "mesh class"

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = [str(name) for name in classes]
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise CellmlError(f"A classification needs at least two classes with different names, got {self.classes}.")

    @property
    def channels(self) -> int:
        """Logits of the network."""
        return len(self.classes)


class CrossEntropy(nn.Module):
    """−Σ log p of the true classes, mean over meshes, points or edges. smoothing: share of each label given to all classes alike."""

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= smoothing < 1:
            raise CellmlError(f"task.loss.smoothing is {smoothing}; it is a share, at least 0 and below 1.")
        self.smoothing = smoothing

    def forward(self, logits: Tensor, labels: Tensor) -> LossRecord:
        """logits: (N, K) or (N, K, P), labels: (N,) or (N, P)."""
        return LossRecord(functional.cross_entropy(logits, labels, label_smoothing=self.smoothing))


class MeshClassificationTask(VolumeTask):
    """A `PointNet` or `MeshCNN` with a `ClassTarget` on the data of `cellml.data.mesh_module`.

    A net names what it reads (`inputs`) and which labels it is asked for (`answers`). Validation counts over all meshes (or their points
    or edges) and logs `val/balanced_accuracy` (mean recall of the classes that occur), `val/accuracy` and `val/recall_<class>`.
    """

    net: Any
    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  a class has nothing to decode

    def __init__(
        self,
        net: nn.Module,
        target: ClassTarget,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        schedule: Schedule | None = None,
    ) -> None:
        if net.classes != target.channels:
            raise CellmlError(f"The network has {net.classes} classes, but the target names {target.classes}; set task.net.classes.")
        super().__init__(net, target, loss, optimizer, schedule)

    def logits(self, batch: dict[str, Tensor]) -> Tensor:
        """The network's answer to a batch: (B, K), (B, K, P) of points or (ΣE, K) of edges."""
        return self.net(*(batch[name] for name in self.net.inputs))  # type: ignore[no-any-return]

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """The loss on what `collate_meshes` gives. Raises CellmlError where the data lack the labels that the net is asked for."""
        if self.net.answers not in batch:
            raise CellmlError(f"The network is asked for {self.net.answers}, which these data do not have; they have {sorted(batch)}.")
        return self.loss(self.logits(batch), batch[self.net.answers])  # type: ignore[no-any-return]

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """One step; "image" is what the shared code calls the network's input."""
        return super().training_step({**batch, "image": batch["cloud"]}, batch_idx)

    def on_validation_epoch_start(self) -> None:
        """Start the counts anew."""
        self.counts = np.zeros((self.target.channels,) * 2, np.int64)

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Classify one mesh; returns {"classes": (…) numbers}."""
        one = {name: value[None] for name, value in batch.items() if isinstance(value, Tensor) and name != "edge_labels"}
        if "edge_labels" in batch:
            one["edge_labels"] = batch["edge_labels"]
        answer, truth = self.logits(one), one[self.net.answers]
        self.log("val/loss", self.loss(answer, truth).total, batch_size=1)
        classes = answer.argmax(dim=1)
        np.add.at(self.counts, (truth.reshape(-1).cpu().numpy(), classes.reshape(-1).cpu().numpy()), 1)
        return {"classes": classes.cpu().numpy()}

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the summed counts."""
        recalls = self.counts.diagonal() / np.maximum(self.counts.sum(axis=1), 1)
        self.log("val/balanced_accuracy", balanced_accuracy(self.counts), prog_bar=True)
        self.log("val/accuracy", float(self.counts.trace() / max(self.counts.sum(), 1)))
        for name, value in zip(self.target.classes, recalls, strict=True):
            self.log(f"val/recall_{name}", float(value))


def balanced_accuracy(counts: NDArray[np.int64]) -> float:
    """Mean recall over the classes that occur. counts: (true, predicted). NaN where nothing was counted."""
    totals = counts.sum(axis=1)
    occurs = totals > 0
    return float((counts.diagonal()[occurs] / totals[occurs]).mean()) if occurs.any() else float("nan")
