"""Score the reference models of the serial sections: `python experiments/segmentation_vnc/run.py`.

Everything is scored on y = 624–703, which no training and no choice of a threshold has seen. The random forest's numbers come from
`classical.py` beside this file.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from cellml.data.blocks import Block
from cellml.infer.block import predict_block
from cellml.metrics.confusion import ConfusionCounts
from cellml.report.class_picture import class_picture
from cellml.report.curves import learning_curves
from cellml.report.results import write_study_results

HERE = Path(__file__).parent
REGION = {"y": [624, 704]}


def main() -> None:
    values: dict[str, tuple[float | None, str]] = {}
    mito = predict_block(HERE / "model.ckpt", Block("vnc_stack1", "vnc_stack1:mito", REGION))
    labels = mito.task.decode(mito.probabilities)
    scores = ConfusionCounts.from_labels(mito.truth, labels, 2).scores()[1]
    values |= {
        "mito_iou": (scores.iou, "1"),
        "mito_dice": (scores.dice, "1"),
        "mito_precision": (scores.precision, "1"),
        "mito_recall": (scores.recall, "1"),
        "mito_threshold": (mito.task.decoder.threshold, "1"),
    }
    by_section = [ConfusionCounts.from_labels(t, p, 2).scores()[1].iou for t, p in zip(mito.truth, labels, strict=True)]
    large = [iou for iou, truth in zip(by_section, mito.truth, strict=True) if (truth > 0).mean() > 0.05]
    values["mito_iou_worst_section"] = (min(large), "1")  # of those with more than crumbs of mitochondria

    classes = predict_block(HERE / "classes.ckpt", Block("vnc_stack1", "vnc_stack1:classes", REGION))
    names = classes.task.target.classes
    found = ConfusionCounts.from_labels(classes.truth, classes.task.decode(classes.probabilities), len(names)).scores()
    values |= {f"{name}_dice": (score.dice, "1") for name, score in zip(names, found, strict=True) if name != "mitochondrion"}
    values["mitochondrion_dice_of_classes"] = (found[names.index("mitochondrion")].dice, "1")
    values["multiclass_dice"] = (float(np.nanmean([score.dice for score in found])), "1")

    values |= {key: (value, unit) for key, (value, unit) in json.loads((HERE / "forest.json").read_text())["values"].items()}
    write_study_results(HERE, values, seed=0, held_out=REGION, data="vnc_stack1")
    z = int(np.argsort(by_section)[len(by_section) // 2])
    pictures = {"3D U-Net": labels[z] > 0, "3D U-Net of five classes": classes.task.decode(classes.probabilities)[z] == 2}
    class_picture(mito.block.read_raw()[z], mito.truth[z] > 0, pictures, HERE / "figure.png", pixel_nm=4.6)
    for name in ("model", "classes"):
        learning_curves(HERE / f"{name}_metrics.csv").savefig(HERE / f"{name}_curves.png", dpi=110)
    for key, (value, unit) in values.items():
        print(f"{key:32} {value:.4g} {unit}")


if __name__ == "__main__":
    main()
