"""From an image of the block to rows: scores of both parts, and answers of their neurites."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from judge import Answered, Known, Question, automatic_answers, fitting, mended_answers, questions, remeshed
from numpy.typing import NDArray
from tissue import CHECKPOINT, PARTS, affinities, chosen_thresholds, segmentations, true_labels

from cellml.checkpoint import load
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.report.rows import append_row
from cellml.types import Labels

EVERY = {"validation": 2, "test": 1}  # which neurites are asked about: strengths of filters are chosen by half of them


@dataclass
class Measured:
    """The network, the truth of both parts and the questions about it, and the folder of the tables."""

    folder: Path
    task: Any
    truth: dict[str, Labels]
    asked: dict[str, list[Question]]

    @classmethod
    def open(cls, folder: Path) -> Measured:
        """Meshes and solves the true shapes, once more in coarser meshes where that was not done: seconds."""
        truth = {part: true_labels(part) for part in PARTS}
        found = cls(folder, load(CHECKPOINT).task, truth, {part: questions(truth[part], EVERY[part]) for part in PARTS})
        if not (folder / "remeshed.csv").is_file():
            found._write("remeshed.csv", {}, "test", remeshed(truth["test"], found.asked["test"]))
        return found

    def measure(self, study: str, named: Mapping[str, str], image: NDArray[np.float32], judged: tuple[str, ...]) -> None:
        """Thresholds are chosen in the validation part of this image and serve both; judged: the parts whose neurites are asked about.

        The scores' row comes last: a condition whose measurement was interrupted is measured again, and the last row of a neurite counts.
        """
        begin, parts = time.process_time(), affinities(self.task, image)
        labels, known = {part: segmentations(self.task, parts, part) for part in PARTS}, self.truth["validation"]
        automatic, mending = chosen_thresholds(known.data, labels["validation"], fitting(known))
        scores: dict[str, Any] = {**named, "threshold": automatic, "threshold_mended": mending}
        for part, truth in self.truth.items():
            found = labels[part]
            asked = self.asked[part] if part in judged else []
            shapes: Known = {}
            rows = automatic_answers(truth, found[automatic], asked, shapes) + mended_answers(truth, found[mending], asked, shapes)
            self._write(f"{study}_answers.csv", named, part, rows)
            overlap = partition_scores(ContingencyTable.from_labels(truth.data, found[automatic]))
            scores |= {f"rand_{part}": round(overlap.adapted_rand_error, 4), f"voi_{part}": round(overlap.voi_sum, 4)}
        append_row(self.folder / f"{study}_scores.csv", {**scores, "cpu_s": round(time.process_time() - begin, 1)})

    def _write(self, table: str, named: Mapping[str, str], part: str, rows: list[Answered]) -> None:
        asked = {q.neurite: q for q in self.asked[part]}
        for row in rows:
            append_row(self.folder / table, {**named, "part": part, **row.row(asked[row.neurite])})
