"""The simulated answer as a validation metric: what the prediction's errors do to the physics."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytorch_lightning as pl

from cellml.evaluation.objects import ObjectChoice, compare_objects
from cellml.evaluation.solved import SolvedObject
from cellml.report.objects import ObjectRow
from cellml.report.objects import statistics as summarise
from cellml.types import Labels

log = logging.getLogger(__name__)


class SimulationEvaluation(pl.Callback):
    """At validation, solve a model in predicted and in true objects and log how far the answers are apart.

    Where the task returns "mesh", a MeshResult, its tetrahedra are solved on as they are: the largest piece of each region.

    model: name of a shipped model or a model file; min_voxels, max_voxels, most, seed: which truth objects; iou: least overlap of a match;
    share: largest share of the wall time since training began that this may use: a block whose turn comes
    when the share is spent is left out (the first ever compares at least one object); every: run at every
    n-th validation. Logs `val/sim/<observable>` (median of the predicted values), `val/sim/<observable>/rel_error` and `…/rel_error_p90`
    over all chosen truth objects, with 1 for unmatched and failed ones, `val/sim/<observable>/not_resolved` (share within the
    discretisation error), `val/sim/failure_rate`, and `val/sim/timeout_rate` (objects that meshing had too little time for, which count in
    nothing else). A failure never stops training.
    """

    def __init__(
        self,
        model: str = "diffusion",
        min_voxels: int = 10_000,
        max_voxels: int = 100_000,
        most: int = 4,
        seed: int = 0,
        iou: float = 0.5,
        share: float = 0.2,
        every: int = 1,
    ) -> None:
        from cellml.sim.model_file import load_model
        from cellml.sim.shipped import find_model

        self.model, self.iou, self.share, self.every = load_model(find_model(model)), iou, share, every
        self.choice = ObjectChoice(min_voxels, max_voxels, most, seed)
        self.truth: dict[str, dict[int, SolvedObject]] = {}
        self.rows: list[ObjectRow] = []
        self._begun = self._spent = 0.0
        self._validations = 0

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock that `share` refers to."""
        self._begun, self._spent = time.monotonic(), 0.0

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget the rows of the last validation."""
        self.rows = []
        self._validations += 1

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Compare the objects of one block, within the time that is left."""
        if trainer.sanity_checking or (self._validations - 1) % self.every or not isinstance(outputs, dict) or "prediction" not in outputs:
            return
        begin = time.monotonic()
        left = self.share * (begin - self._begun) - self._spent if self._begun else float("inf")
        if left <= 0 and self._spent:
            log.info("The simulation of %s is left out: its share of the time (%g) is spent.", batch["name"], self.share)
            return
        frame: dict[str, Any] = {"spacing": tuple(batch["spacing"]), "origin": tuple(batch["origin"])}
        truth = Labels(batch["labels"].cpu().numpy(), **frame, name=f"truth of {batch['name']}")
        prediction = Labels(outputs["prediction"], **frame, name=f"prediction of {batch['name']}")
        known = self.truth.setdefault(str(batch["name"]), {})
        if "mesh" in outputs and outputs["mesh"] is None:  # nothing was predicted, so that no object matches
            prediction = replace(prediction, data=np.zeros_like(prediction.data))
        meshed = _largest_pieces(outputs["mesh"]) if outputs.get("mesh") is not None else None
        try:
            for compared in compare_objects(
                truth, prediction, self.model, choice=self.choice, iou=self.iou, seconds=left, solved_truth=known, predicted_mesh=meshed
            ):
                self.rows += compared.rows
        except Exception as error:  # the judge must never end the training it judges
            log.warning("The simulation of %s failed and is left out of this validation: %s", batch["name"], error)
        self._spent += time.monotonic() - begin

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the statistics over all rows of this validation."""
        if not self.rows:
            return
        for found in summarise(self.rows):
            counted = found.objects - found.undefined - found.timed_out
            if not counted:
                continue
            values = [row.prediction for row in self.rows if row.observable == found.observable and row.status == "matched"]
            name = f"val/sim/{found.observable}"
            if values:
                pl_module.log(name, statistics.median(values))
            pl_module.log(f"{name}/rel_error", found.median_error)
            pl_module.log(f"{name}/rel_error_p90", found.p90_error)
            pl_module.log(f"{name}/not_resolved", found.not_resolved / counted)
        objects = {row.truth_id for row in self.rows}
        failed = {row.truth_id for row in self.rows if row.status == "failed"}
        late = {row.truth_id for row in self.rows if row.status == "timed out"}
        pl_module.log("val/sim/failure_rate", len(failed) / len(objects))
        pl_module.log("val/sim/timeout_rate", len(late) / len(objects))
        pl_module.log("val/sim/objects", float(len(objects)))


def _largest_pieces(predicted: Any) -> Callable[[int], Any]:
    """Region number → certified MeshResult of its largest piece."""
    from cellml.meshhead.certified import certified, largest_piece

    return lambda number: certified(largest_piece(predicted.mesh, number))
