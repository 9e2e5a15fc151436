"""The simulated answer as a validation metric: what the prediction's errors do to the physics."""

from __future__ import annotations

import csv
import logging
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl

from cellml.callbacks.figures import log_figure
from cellml.errors import CellmlError
from cellml.evaluation.distributions import ShapeRow, distribution_scores, shape_answers
from cellml.evaluation.objects import ObjectChoice, compare_objects
from cellml.evaluation.reader import Reader
from cellml.evaluation.solved import SolvedObject
from cellml.report.objects import ObjectRow
from cellml.report.objects import statistics as summarise
from cellml.types import Labels

log = logging.getLogger(__name__)


class SimulationEvaluation(pl.Callback):
    """At validation, solve a model in what was predicted and in what is true, and log how far the answers are apart.

    What is compared depends on what the task's validation returns. "prediction", labels: their objects against the true ones; with
    "mesh", a MeshResult, its tetrahedra are solved on as they are, the largest piece of each region. "image", a repaired or predicted
    image: the objects that the `reader` sees in it, against those that it sees in the true image. A model of shapes
    (`cellml.shapes.model.ShapeModel`), which returns nothing: `most` shapes that it draws against as many validation shapes, as
    distributions.

    model: name of a shipped model or a model file; min_voxels, max_voxels, most, seed: which truth objects; iou: least overlap of a
    match; share: largest share of the wall time since training began that this may use: a block whose turn comes when the share is spent
    is left out (the first ever compares at least one object); every: run at every n-th validation; reader: checkpoint of a segmenter for
    tasks of images, none: they are not judged; invert: whether it knows structures dark that the images show bright; folder: where
    `objects.csv` or `shape_answers.csv` of the last validation go, which the report shows, none where None.

    Logs `val/sim/<observable>` (median of the predicted values), `val/sim/<observable>/rel_error` and `…/rel_error_p90`
    over all chosen truth objects, with 1 for unmatched and failed ones, `val/sim/<observable>/not_resolved` (share within the
    discretisation error), `val/sim/failure_rate`, and `val/sim/timeout_rate` (objects that meshing had too little time for, which count in
    nothing else). Of shapes: `val/sim/<observable>/wasserstein` (standard deviations of the real ones), `…/median_ratio`, and
    `val/sim/failure_rate` (shapes without a certified mesh, or without an answer that real ones have). Loggers that take images, such as
    Weights & Biases, get a figure. A failure never stops training. Raises CellmlError, when it is made, for settings that no validation
    could follow.
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
        reader: str | None = None,
        invert: bool = False,
        folder: str | None = None,
    ) -> None:
        from cellml.sim.model_file import load_model
        from cellml.sim.shipped import find_model

        if not 0 < iou <= 1 or share < 0 or every < 1:
            raise CellmlError(f"iou={iou} must be above 0 and at most 1, share={share} at least 0 and every={every} at least 1.")
        self.model, self.iou, self.share, self.every = load_model(find_model(model)), iou, share, every
        self.choice = ObjectChoice(min_voxels, max_voxels, most, seed)
        self.truth: dict[str, dict[int, SolvedObject]] = {}
        self.rows: list[ObjectRow] = []
        self.outcomes: list[set[str]] = []  # of each object; numbers of objects come again in other blocks
        self.shapes: list[ShapeRow] = []
        self.reader = None if reader is None else Reader(reader, invert)
        self.folder = None if folder is None else Path(folder)
        self._real: dict[str, list[ShapeRow]] = {}
        self._read: dict[str, Any] = {}
        self._seen: list[Any] = []
        self._begun = self._spent = 0.0
        self._validations = 0

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock that `share` refers to."""
        self._begun, self._spent = time.monotonic(), 0.0

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget the rows of the last validation."""
        self.rows, self.outcomes, self.shapes, self._seen = [], [], [], []
        self._validations += not trainer.sanity_checking

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Compare the objects of one block, within the time that is left."""
        if not self._asked(trainer):
            return
        if _draws_shapes(pl_module) and "unit" in batch and len(self._seen) < self.choice.most:
            self._see(pl_module, batch)
        if not isinstance(outputs, dict):
            return
        if "prediction" not in outputs and not ("image" in outputs and self.reader is not None):
            return
        begin = time.monotonic()
        left = self._left(begin)
        if left <= 0 and self._spent:
            log.info("The simulation of %s is left out: its share of the time (%g) is spent.", batch["name"], self.share)
            return
        try:
            for compared in self._compared(outputs, batch, left):
                self.rows += compared.rows
                self.outcomes.append({row.status for row in compared.rows})
        except Exception as error:  # the judge must never end the training it judges
            log.warning("The simulation of %s failed and is left out of this validation: %s", batch["name"], error)
        self._spent += time.monotonic() - begin

    def _see(self, pl_module: Any, batch: Any) -> None:
        """Keep a validation shape for the end of the epoch."""
        try:
            values = np.asarray(batch["image"].cpu().numpy(), np.float64)
            self._seen.append(pl_module.representation.surface(values, float(batch["unit"]), f"validation shape {len(self._seen)}"))
        except Exception as error:  # the judge must never end the training it judges
            log.warning("A validation shape could not be made and is left out of the simulation: %s", error)

    def _asked(self, trainer: pl.Trainer) -> bool:
        return not trainer.sanity_checking and (self._validations - 1) % self.every == 0

    def _left(self, now: float) -> float:
        """Seconds of the share that are left."""
        return self.share * (now - self._begun) - self._spent if self._begun else float("inf")

    def _compared(self, outputs: dict[str, Any], batch: Any, left: float) -> Iterator[Any]:
        """The comparison of each object of one block."""
        name = str(batch["name"])
        frame: dict[str, Any] = {"spacing": tuple(batch["spacing"]), "origin": tuple(batch["origin"])}
        if "prediction" in outputs:
            true, found = batch["labels"].cpu().numpy(), outputs["prediction"]
        else:
            assert self.reader is not None
            if name not in self._read:  # what the reader sees in the true image never changes
                self._read[name] = self.reader(batch["labels"].float().cpu().numpy())
            true, found = self._read[name], self.reader(outputs["image"])
        truth = Labels(true, **frame, name=f"truth of {name}")
        prediction = Labels(found, **frame, name=f"prediction of {name}")
        if "mesh" in outputs and outputs["mesh"] is None:  # nothing was predicted, so that no object matches
            prediction = replace(prediction, data=np.zeros_like(prediction.data))
        meshed = _largest_pieces(outputs["mesh"]) if outputs.get("mesh") is not None else None
        known = self.truth.setdefault(name, {})
        return compare_objects(
            truth, prediction, self.model, choice=self.choice, iou=self.iou, seconds=left, solved_truth=known, predicted_mesh=meshed
        )

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the statistics over all rows of this validation, with a figure; shapes are drawn and judged here."""
        if self._seen:
            self._judge_shapes(trainer, pl_module)
        if not self.rows:
            return
        self._keep(trainer, "objects.csv", self.rows, lambda: _objects_figure(self.rows))
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
        for name, status in (("failure_rate", "failed"), ("timeout_rate", "timed out")):
            pl_module.log(f"val/sim/{name}", sum(status in one for one in self.outcomes) / len(self.outcomes))
        pl_module.log("val/sim/objects", float(len(self.outcomes)))

    def _judge_shapes(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Draw shapes, solve in them and in validation shapes, and log how far the distributions are apart."""
        begin = time.monotonic()
        left = self._left(begin)
        if left <= 0 and self._spent:
            log.info("The simulation of shapes is left out: its share of the time (%g) is spent.", self.share)
            return
        try:
            drawn = pl_module.decode(pl_module.sample(self.choice.most, self.choice.seed))
            self.shapes = list(shape_answers(self._seen, drawn, self.model, seconds=left, known=self._real))
        except Exception as error:  # the judge must never end the training it judges
            log.warning("The simulation of shapes failed and is left out of this validation: %s", error)
        self._spent += time.monotonic() - begin
        if not self.shapes:
            return
        scores = distribution_scores(self.shapes)
        for score in scores:
            for kind in ("wasserstein", "median_ratio"):
                if np.isfinite(getattr(score, kind)):
                    pl_module.log(f"val/sim/{score.observable}/{kind}", getattr(score, kind))
        made = {row.shape for row in self.shapes if row.side == "generated"}
        failed = {r.shape for r in self.shapes if r.side == "generated" and r.status in ("refused", "failed")}
        pl_module.log("val/sim/failure_rate", len(failed) / max(1, len(made)))
        pl_module.log("val/sim/objects", float(len(made)))
        self._keep(trainer, "shape_answers.csv", self.shapes, lambda: _shapes_figure(self.shapes, scores))

    def _keep(self, trainer: pl.Trainer, name: str, rows: Sequence[Any], draw: Callable[[], Any]) -> None:
        """Write the rows where they are to go, and hand the figure to loggers that take one; neither must end the training."""
        try:
            if self.folder is not None:
                _write_rows(self.folder / name, rows)
            loggers = [one for one in getattr(trainer, "loggers", ()) if hasattr(one, "log_image")]
            if loggers:
                log_figure(loggers, "val/sim", draw(), int(getattr(trainer, "global_step", 0)))
        except Exception as error:
            log.warning("The rows of the simulation were not kept: %s", error)


def _draws_shapes(module: Any) -> bool:
    from cellml.shapes.model import ShapeModel

    return isinstance(module, ShapeModel) and hasattr(module, "representation")


def _objects_figure(rows: Sequence[ObjectRow]) -> Any:
    from cellml.report.comparison import prediction_vs_truth

    return prediction_vs_truth(rows)


def _shapes_figure(rows: Sequence[ShapeRow], scores: Sequence[Any]) -> Any:
    from cellml.report.distribution_figure import distribution_figure

    return distribution_figure(rows, scores)


def _write_rows(path: Path, rows: Sequence[Any]) -> None:
    from cellml.io import atomic_path

    with atomic_path(path) as aside, aside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(asdict(rows[0])))
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def _largest_pieces(predicted: Any) -> Callable[[int], Any]:
    """Region number → certified MeshResult of its largest piece."""
    from cellml.meshhead.certified import certified, largest_piece

    return lambda number: certified(largest_piece(predicted.mesh, number))
