"""Score models on CDeep3M's mitochondria, where the content is new: `python experiments/segmentation_cdeep3m/run.py`.

The right half (x = 544–1023) holds a nucleus and thick myelin; models saw at most the left half, which has neither. Thresholds come from
the checkpoints, chosen on validation rows; that of two networks together is chosen here, on the same rows.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from cellml.data.blocks import Block
from cellml.infer.block import PredictedBlock, predict_block
from cellml.metrics.confusion import ClassScores, ConfusionCounts
from cellml.report.class_picture import class_picture
from cellml.report.curves import learning_curves
from cellml.report.results import write_study_results
from cellml.tasks.decoder_choice import choose_on

HERE = Path(__file__).parent
VNC = HERE.parent / "segmentation_vnc"
REGION, VALIDATION = {"x": [544, 1024]}, {"y": [848, 1024], "x": [0, 512]}
ASSUMED, AS_VNC = [60.0, 7.5, 7.5], [45.0, 4.6, 4.6]
MODELS = {
    "mito": ("left half, two networks", [HERE / "model.ckpt", HERE / "second.ckpt"], ASSUMED),
    "mito_one_network": ("left half, one network", HERE / "model.ckpt", ASSUMED),
    "transfer_zero_shot": ("VNC model, not retrained", VNC / "model.ckpt", AS_VNC),
    "transfer_one_slice": ("VNC model, one section", HERE / "one_slice.ckpt", ASSUMED),
    "scratch_one_slice": ("one section alone", HERE / "one_slice_scratch.ckpt", ASSUMED),
}


def main() -> None:
    values: dict[str, tuple[float | None, str]] = {}
    rows: list[dict[str, Any]] = []
    sections: dict[str, Any] = {}
    for key, (name, path, spacing) in MODELS.items():
        block = judged(path, spacing)
        labels, score = scored(block)
        values[f"{key}_iou"] = (score.iou, "1")
        rows.append({"model": name, "threshold": block.task.decoder.threshold, **vars(score)})
        print(f"{name:40} IoU {score.iou:.3f}  Dice {score.dice:.3f}  precision {score.precision:.3f}  recall {score.recall:.3f}")
        sections[f"{name}: IoU {score.iou:.2f}"] = labels[10] > 0
    write_study_results(HERE, values, seed=0, held_out=REGION, data="cdeep3m_mito")
    with (HERE / "scores.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    class_picture(block.block.read_raw()[10], block.truth[10] > 0, sections, HERE / "figure.png", pixel_nm=7.5)
    learning_curves(HERE / "metrics.csv").savefig(HERE / "learning_curves.png", dpi=110)


def judged(path: Path | list[Path], spacing: list[float]) -> PredictedBlock:
    """The right half by a checkpoint with its own decoder, or by several in eight orientations with one chosen for their mean."""
    both = isinstance(path, list)

    def predicted(region: dict[str, list[int]]) -> PredictedBlock:
        return predict_block(path, Block("cdeep3m_mito", "cdeep3m_mito:mito", region, spacing), tta=8 if both else 1)

    found = predicted(REGION)
    if both:
        validation = predicted(VALIDATION)
        choose_on(validation.task, [("validation rows", validation.probabilities, validation.truth)], HERE)
        found.task.decoder = validation.task.decoder
    return found


def scored(block: PredictedBlock) -> tuple[Any, ClassScores]:
    labels = block.task.decode(block.probabilities)
    return labels, ConfusionCounts.from_labels(block.truth, labels, 2).scores()[1]


if __name__ == "__main__":
    main()
