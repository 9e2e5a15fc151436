"""Score the reference models of the ISBI 2012 membranes: `python experiments/segmentation_isbi2012/run.py`.

Sections 0–16 trained the networks, 17 and 18 chose the decoder, 19–21 are scored: the decoded cells' borders as a membrane map, by the
challenge's own rules. Both networks look at the images of the eight sections before as well, as in any stack, and
answer in eight orientations. For comparison their map itself, at the threshold that is best on the validation sections.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.blocks import Block
from cellml.infer.block import PredictedBlock, predict_block
from cellml.metrics.confusion import ConfusionCounts
from cellml.metrics.membranes import MembraneScores, membrane_scores, sweep_membrane_thresholds
from cellml.report.class_picture import class_picture
from cellml.report.curves import learning_curves
from cellml.report.results import write_study_results
from cellml.tasks.decoder_choice import choose_on

HERE = Path(__file__).parent
VALIDATION, TEST = range(17, 19), range(19, 22)
CONTEXT = 8  # sections
NETWORKS, ORIENTATIONS = (HERE / "model.ckpt", HERE / "second.ckpt"), 8
THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(1, 46))


def main() -> None:
    validation, test = predicted(VALIDATION), predicted(TEST)
    choose_on(validation.task, [("sections 17 and 18", validation.probabilities, validation.truth)], HERE)
    test.task.decoder = validation.task.decoder
    sweeps = {"validation": sweep(validation), "test": sweep(test)}
    chosen = max(sweeps["validation"], key=lambda score: score.v_rand)
    decoded, on_validation = decoded_scores(test), decoded_scores(validation)
    membrane = test.probabilities[-1]
    plain = membrane_scores(membrane, test.truth, threshold=chosen.threshold)
    dice = ConfusionCounts.from_labels(test.truth, (membrane >= 0.5).astype(np.uint8), 2).scores()[1].dice
    values: dict[str, tuple[float | None, str]] = {
        "v_rand": (decoded.v_rand, "1"),
        "v_info": (decoded.v_info, "1"),
        "v_rand_validation": (on_validation.v_rand, "1"),
        "v_info_validation": (on_validation.v_info, "1"),
        "threshold_v_rand": (plain.v_rand, "1"),
        "threshold_v_info": (plain.v_info, "1"),
        "membrane_dice": (dice, "1"),
    }
    write_study_results(HERE, values, seed=0, validation=list(VALIDATION), held_out=list(TEST), data="isbi2012")
    write_rows([{"sections": name, **asdict(score)} for name, scores in sweeps.items() for score in scores])
    pictures = {
        "membranes, two networks": membrane[1] >= 0.5,
        "borders of decoded cells": borders(test.task.decode(test.probabilities))[1],
    }
    class_picture(test.block.read_raw()[CONTEXT + 1], test.truth[1] > 0, pictures, HERE / "figure.png", pixel_nm=4.0)
    learning_curves(HERE / "metrics.csv").savefig(HERE / "learning_curves.png", dpi=110)
    for key, (value, unit) in values.items():
        print(f"{key:24} {value:.4f} {unit}")


def predicted(sections: range) -> PredictedBlock:
    """These sections, predicted with those before them in sight."""
    region = {"z": [sections.start - CONTEXT, sections.stop]}
    block = Block("isbi2012", "isbi2012:membrane", region, [50.0, 4.0, 4.0], labelled_sections=list(sections))
    found = predict_block(NETWORKS, block, tta=ORIENTATIONS)
    return replace(found, probabilities=found.probabilities[:, CONTEXT:], truth=found.truth[CONTEXT:])


def sweep(block: PredictedBlock) -> list[MembraneScores]:
    return sweep_membrane_thresholds(block.probabilities[-1], block.truth, thresholds=THRESHOLDS)


def decoded_scores(block: PredictedBlock) -> MembraneScores:
    lines = borders(block.task.decode(block.probabilities))
    return membrane_scores(lines.astype(np.float32), block.truth, threshold=0.5)


def borders(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """A map (Z, Y, X) of lines one pixel wide, where a pixel's left or upper neighbour in its section is another cell."""
    lines = np.zeros(labels.shape, bool)
    lines[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    lines[:, :, 1:] |= labels[:, :, 1:] != labels[:, :, :-1]
    return lines


def write_rows(rows: list[dict[str, object]]) -> None:
    with (HERE / "thresholds.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
