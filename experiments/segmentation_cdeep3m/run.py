"""Score models on CDeep3M's mitochondria, where the content is new: `python experiments/segmentation_cdeep3m/run.py`.

The right half (x = 544–1023) holds a nucleus and thick myelin; models saw at most the left half, which has neither. Thresholds come from
the checkpoints, chosen on validation blocks.
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

HERE = Path(__file__).parent
VNC = HERE.parent / "segmentation_vnc"
REGION = {"x": [544, 1024]}
ASSUMED, AS_VNC = [60.0, 7.5, 7.5], [45.0, 4.6, 4.6]
MODELS = {
    "mito": ("trained on the left half, two networks in eight orientations", [HERE / "model.ckpt", HERE / "second.ckpt"], ASSUMED),
    "mito_one_network": ("the first of them alone", HERE / "model.ckpt", ASSUMED),
    "transfer_zero_shot": ("VNC model, not retrained", VNC / "model.ckpt", AS_VNC),
    "transfer_one_slice": ("VNC model, fine-tuned on one section", HERE / "one_slice.ckpt", ASSUMED),
    "scratch_one_slice": ("trained on one section alone", HERE / "one_slice_scratch.ckpt", ASSUMED),
}


def main() -> None:
    values: dict[str, tuple[float | None, str]] = {}
    rows: list[dict[str, Any]] = []
    sections: dict[str, Any] = {}
    for key, (name, path, spacing) in MODELS.items():
        block = predict_block(path, Block("cdeep3m_mito", "cdeep3m_mito:mito", REGION, spacing), tta=8 if isinstance(path, list) else 1)
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


def scored(block: PredictedBlock) -> tuple[Any, ClassScores]:
    labels = block.task.decode(block.probabilities)
    return labels, ConfusionCounts.from_labels(block.truth, labels, 2).scores()[1]


if __name__ == "__main__":
    main()
