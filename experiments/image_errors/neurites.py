"""Neurites of FIB-25 by the reference U-Net, and a model solved in them, under a changed image."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from conditions import Condition

from cellml.checkpoint import load
from cellml.data.blocks import Block, OpenBlock
from cellml.evaluation import objects
from cellml.evaluation.objects import ObjectChoice, compare_objects
from cellml.evaluation.solved import solve_object
from cellml.imaging.frame import Frame
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.sim.model_file import load_model
from cellml.sim.shipped import find_model
from cellml.types import Labels, Volume

CHECKPOINT = Path(__file__).parents[1] / "segmentation_fib25" / "model.ckpt"
HELD_OUT = {"x": (168, 250)}
# Neurites that mesh and solve in seconds, drawn before any prediction is looked at.
CHOICE = ObjectChoice(min_voxels=15_000, max_voxels=45_000, most=5, seed=0)
THRESHOLDS = (0.15, 0.25, 0.35, 0.45, 0.55)  # the checkpoint has 0.45
SOLVED = ("relaxation_time", "first_passage_time", "conductance")

# How busy the machine is must not decide which neurites can be meshed.
objects.solve_object = partial(solve_object, timeout_s=7200.0)


@dataclass
class Neurites:
    """The held-out block, the network, and the truth solved so far."""

    clean: Volume
    truth: Labels
    task: Any
    solved: dict[int, Any] = field(default_factory=dict)

    @classmethod
    def open(cls) -> Neurites:
        """The block x = 168 to 249, on which nothing was trained."""
        block = OpenBlock(Block("fib25_train2", region=HELD_OUT))
        raw = Volume(block.read_raw(), block.spacing, block.origin, name="FIB-25 held out")
        return cls(raw, Labels(block.read_labels(), block.spacing, block.origin), load(CHECKPOINT).task)

    @property
    def frame(self) -> Frame:
        """Black is taken to be grey value 0."""
        return Frame.of(self.clean)

    def segment(self, condition: Condition) -> tuple[Volume, Labels]:
        """The changed image, normalised by its own mean and deviation as inference does, and what the network makes of it."""
        image = condition.image(self.clean, self.frame)
        normalised = (image.data - image.data.mean(dtype=float)) / image.data.std(dtype=float)
        prediction = self.task.decode(self.task.predict_volume(normalised[None].astype(np.float32)))
        return image, Labels(prediction, self.clean.spacing, self.clean.origin)

    def score(self, condition: Condition) -> dict[str, Any]:
        """A row of scores."""
        begin = time.process_time()
        image, prediction = self.segment(condition)
        scores = partition_scores(ContingencyTable.from_labels(self.truth.data, prediction.data))
        difference = (image.data - self.clean.data) / self.frame.deviation
        return {
            **dict(zip(("error", "strength", "repair", "draw"), condition.key, strict=True)),
            "adapted_rand_error": round(scores.adapted_rand_error, 5),
            "voi_split": round(scores.voi_split, 4),
            "voi_merge": round(scores.voi_merge, 4),
            "voi_sum": round(scores.voi_sum, 4),
            "objects": scores.prediction_objects,
            "image_change_rms": round(float(np.sqrt(np.mean(difference**2))), 4),
            "cpu_s": round(time.process_time() - begin, 1),
        }

    def thresholds(self, condition: Condition) -> list[dict[str, Any]]:
        """Scores at other thresholds of the decoder: how much of a change is only its operating point."""
        image = condition.image(self.clean, self.frame)
        normalised = (image.data - image.data.mean(dtype=float)) / image.data.std(dtype=float)
        affinities, rows = self.task.predict_volume(normalised[None].astype(np.float32)), []
        key = dict(zip(("error", "strength", "repair", "draw"), condition.key, strict=True))
        for threshold in THRESHOLDS:
            decoder = replace(self.task.decoder, threshold=threshold)
            labels = decoder(*self.task.target.pairs(affinities))
            scores = partition_scores(ContingencyTable.from_labels(self.truth.data, labels))
            rows.append({**key, "threshold": threshold, "adapted_rand_error": round(scores.adapted_rand_error, 5),
                         "voi_sum": round(scores.voi_sum, 4)})  # fmt: skip
        return rows

    def simulate(self, condition: Condition) -> list[dict[str, Any]]:
        """A row for each neurite and solved observable; unmatched and failed ones have the relative error 1."""
        _, prediction = self.segment(condition)
        compared = compare_objects(self.truth, prediction, load_model(find_model("diffusion")), choice=CHOICE, solved_truth=self.solved)
        key = dict(zip(("error", "strength", "repair", "draw"), condition.key, strict=True))
        return [
            {**key, "neurite": r.truth_id, "observable": r.observable, "status": r.status, "iou": round(r.iou, 4), "truth": r.truth,
             "prediction": r.prediction, "rel_error": round(r.rel_error, 5)}
            for one in compared for r in one.rows if r.observable in SOLVED
        ]  # fmt: skip
