"""Every network that ships, trained alike: `python experiments/networks/run.py [networks=unet,fcn] [steps=300] [work=runs/networks]`.

Each is one `cellml train` on the same blocks of the serial sections with the same steps; each number is of rows 624–703, which no training
and no choice of a threshold has seen. Rows of rows.csv are written as they come, and what is there is not done again.
"""

from __future__ import annotations

import csv
import shutil
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TEST = {"y": [624, 704]}
FIELDS = ["network", "weights_millions", "field_of_view", "steps", "seconds", "threshold", "dice", "iou"]
COMMON = (
    "data=vnc_blocks",
    "data.patches_per_epoch=20",
    "training.validations=1",
    "training.precision=bf16-mixed",
    "trainer.enable_progress_bar=false",
    "callbacks.best=null",
    "seed=0",
)
# Sections alone need few of them in a patch, and see further in them; all patches have about as many voxels.
VOLUMES, SECTIONS = "data.patch=[12,128,128]", "data.patch=[3,256,256]"
NETWORKS = {
    "unet": ("vnc_mito", VOLUMES),
    "voxresnet": ("vnc_voxresnet", VOLUMES),
    "dynunet": ("vnc_dynunet", VOLUMES),
    "segresnet": ("vnc_segresnet", VOLUMES),
    "resnet": ("vnc_resnet", SECTIONS),
    "fcn": ("vnc_fcn", SECTIONS),
}


def main() -> None:
    options = dict(word.split("=", 1) for word in sys.argv[1:])
    steps, work = int(options.get("steps", 300)), Path(options.get("work", "runs/networks")).resolve()
    table = HERE / "rows.csv"
    done = {row["network"] for row in csv.DictReader(table.open())} if table.is_file() else set()
    for name in options.get("networks", ",".join(NETWORKS)).split(","):
        if name not in done:
            row = measured(name, steps, work)
            append(table, row)
            print(row, flush=True)
    report()


def measured(name: str, steps: int, work: Path) -> dict[str, Any]:
    """Train one network and judge it."""
    from cellml.cli import run_verb

    recipe, patch = NETWORKS[name]
    folder, begin = work / name, time.perf_counter()
    shutil.rmtree(folder, ignore_errors=True)
    words = (f"experiment=segmentation/{recipe}", *COMMON, patch, f"training.max_steps={steps}", f"hydra.run.dir={folder}")
    run_verb("train", words)
    seconds = time.perf_counter() - begin
    return {"network": name, "steps": steps, "seconds": round(seconds, 1), **judged(folder / "model.ckpt")}


def judged(model: Path) -> dict[str, Any]:
    """Dice and IoU of mitochondria in the test rows, at the threshold that the training chose on the validation rows."""
    from cellml.data.blocks import Block
    from cellml.infer.block import predict_block
    from cellml.metrics.confusion import ConfusionCounts

    found = predict_block(model, Block("vnc_stack1", "vnc_stack1:mito", TEST))
    score = ConfusionCounts.from_labels(found.truth, found.task.decode(found.probabilities), 2).scores()[1]
    net = found.task.net
    return {
        "weights_millions": round(sum(p.numel() for p in net.parameters()) / 1e6, 2),
        "field_of_view": " × ".join(str(2 * radius + 1) for radius in net.halo),
        "threshold": found.task.decoder.threshold,
        "dice": round(score.dice, 4),
        "iou": round(score.iou, 4),
    }


def append(table: Path, row: dict[str, Any]) -> None:
    """One more row at the end of the table."""
    new = not table.is_file()
    with table.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=FIELDS)
        if new:
            writer.writeheader()
        writer.writerow(row)


def report() -> None:
    """results.json and the table of README.md, from rows.csv."""
    from cellml.report.results import write_study_results

    with (HERE / "rows.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    values = {f"{row['network']}_{key}": (float(row[key]), "1") for row in rows for key in ("iou", "dice")}
    write_study_results(HERE, values, seed=0, held_out=TEST, data="vnc_stack1", steps=int(rows[0]["steps"]))
    print("| " + " | ".join(FIELDS) + " |\n|" + "---|" * len(FIELDS))
    for row in rows:
        print("| " + " | ".join(row[field] for field in FIELDS) + " |")


if __name__ == "__main__":
    main()
