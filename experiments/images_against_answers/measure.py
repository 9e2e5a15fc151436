"""From an image of the block to rows: scores of both halves, and answers of their neurites."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from judge import Answered, Question, automatic_answers, fitting, mended_answers, questions, remeshed
from numpy.typing import NDArray
from tissue import CHECKPOINT, HALVES, affinities, chosen_thresholds, segmentations, true_labels

from cellml.checkpoint import load
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.report.rows import append_row, read_rows
from cellml.types import Labels


@dataclass
class Measured:
    """The network, both halves' truths, the questions of the halves that are judged, and the tables that rows go to. key: names of what a
    condition is.
    """

    folder: Path
    study: str
    key: Sequence[str]
    task: Any
    truth: dict[str, Labels]
    asked: dict[str, list[Question]]

    @classmethod
    def open(cls, folder: Path, study: str, key: Sequence[str], halves: Sequence[str]) -> Measured:
        """Meshes and solves the true shapes of these halves, of the validation half every second one: half a minute."""
        truth = {half: true_labels(half) for half in HALVES}
        asked = {half: questions(truth[half], every=2 if half == "validation" else 1) for half in halves}
        found = cls(folder, study, key, load(CHECKPOINT).task, truth, asked)
        found._measure_the_judge()
        return found

    def measure(self, condition: Sequence[str], image: NDArray[np.float32]) -> None:
        """Thresholds are chosen on the validation half of this image, and serve both halves. The scores' row comes last: a condition whose
        measurement was interrupted is measured again, and the last row of a neurite counts.
        """
        begin = time.process_time()
        answers = affinities(self.task, image)
        labels = {half: segmentations(self.task, answers, half) for half in HALVES}
        automatic, mending = chosen_thresholds(self.truth["validation"].data, labels["validation"], fitting(self.truth["validation"]))
        named = dict(zip(self.key, condition, strict=True))
        scores: dict[str, Any] = {**named, "threshold": automatic, "threshold_mended": mending}
        for half, truth in self.truth.items():
            found = labels[half]
            if half in self.asked:
                rows = automatic_answers(truth, found[automatic], self.asked[half]) + mended_answers(
                    truth, found[mending], self.asked[half]
                )
                self._write(f"{self.study}_answers.csv", named, half, rows)
            overlap = partition_scores(ContingencyTable.from_labels(truth.data, found[automatic]))
            scores |= {f"rand_{half}": round(overlap.adapted_rand_error, 4), f"voi_{half}": round(overlap.voi_sum, 4)}
        append_row(self.folder / f"{self.study}_scores.csv", {**scores, "cpu_s": round(time.process_time() - begin, 1)})

    def _measure_the_judge(self) -> None:
        """The true shapes in coarser meshes, once."""
        if not (self.folder / "remeshed.csv").is_file():
            self._write("remeshed.csv", {}, "test", remeshed(self.truth["test"], self.asked["test"]))

    def _write(self, table: str, named: dict[str, str], half: str, rows: list[Answered]) -> None:
        asked = {q.neurite: q for q in self.asked[half]}
        for row in rows:
            append_row(self.folder / table, {**named, "half": half, **row.row(asked[row.neurite])})


def done(table: Path, key: Sequence[str]) -> set[tuple[str, ...]]:
    """Conditions that are measured."""
    return {tuple(row[name] for name in key) for row in read_rows(table)}
