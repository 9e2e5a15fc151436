"""Score the reference model of the ISBI 2012 membranes: `python experiments/segmentation_isbi2012/run.py`.

Sections 0–16 trained the network, 17 and 18 chose its weights and the threshold, 19–21 are scored.
"""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path

import numpy as np

from cellml.data.blocks import Block
from cellml.infer.block import predict_block
from cellml.metrics.confusion import ConfusionCounts
from cellml.metrics.membranes import MembraneScores, membrane_scores, sweep_membrane_thresholds
from cellml.report.class_picture import class_picture
from cellml.report.curves import learning_curves
from cellml.report.results import write_study_results

HERE = Path(__file__).parent
VALIDATION, TEST = {"z": [17, 19]}, {"z": [19, 22]}
THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(5, 46))


def main() -> None:
    chosen, rows = choose()
    block = predict_block(HERE / "model.ckpt", Block("isbi2012", "isbi2012:membrane", TEST, [50.0, 4.0, 4.0]))
    membrane = block.probabilities[1]
    rand = membrane_scores(membrane, block.truth, threshold=chosen.threshold)
    best = sweep_membrane_thresholds(membrane, block.truth, thresholds=THRESHOLDS)
    dice = ConfusionCounts.from_labels(block.truth, (membrane >= 0.5).astype(np.uint8), 2).scores()[1].dice
    values: dict[str, tuple[float | None, str]] = {
        "v_rand": (rand.v_rand, "1"),
        "v_info": (rand.v_info, "1"),
        "threshold": (chosen.threshold, "1"),
        "v_rand_validation": (chosen.v_rand, "1"),
        "v_info_validation": (chosen.v_info, "1"),
        "v_rand_best_threshold_on_test": (max(s.v_rand for s in best), "1"),
        "v_info_best_threshold_on_test": (max(s.v_info for s in best), "1"),
        "membrane_dice": (dice, "1"),
    }
    write_study_results(HERE, values, seed=0, validation=VALIDATION, held_out=TEST, data="isbi2012")
    write_rows(rows + [{"sections": "test", **asdict(score)} for score in best])
    class_picture(
        block.block.read_raw()[1],
        block.truth[1] > 0,
        {"membranes, 3D U-Net": membrane[1] >= chosen.threshold},
        HERE / "figure.png",
        pixel_nm=4.0,
    )
    learning_curves(HERE / "metrics.csv").savefig(HERE / "learning_curves.png", dpi=110)
    for key, (value, unit) in values.items():
        print(f"{key:32} {value:.4f} {unit}")


def choose() -> tuple[MembraneScores, list[dict[str, object]]]:
    """The threshold of largest V_rand on the validation sections, and one row for every threshold."""
    block = predict_block(HERE / "model.ckpt", Block("isbi2012", "isbi2012:membrane", VALIDATION, [50.0, 4.0, 4.0]))
    scores = sweep_membrane_thresholds(block.probabilities[1], block.truth, thresholds=THRESHOLDS)
    return max(scores, key=lambda score: score.v_rand), [{"sections": "validation", **asdict(score)} for score in scores]


def write_rows(rows: list[dict[str, object]]) -> None:
    with (HERE / "thresholds.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
