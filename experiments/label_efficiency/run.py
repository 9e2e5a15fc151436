"""How much labelling is worth, on mitochondria of the serial sections: `python experiments/label_efficiency/run.py [rungs=unet,forest]`.

Every training is one `cellml train` with overrides; every number is the Dice of the test rows (312–351 of the halved stack), which no
training, no threshold and no choice has seen. Rows of rows.csv are written as they come, and what is there is not done again.
"""

from __future__ import annotations

import csv
import json
import logging
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from labelled import DRAWS, LEVELS, Level
from rungs import ALL_UNLABELLED, FEW, RUNGS, Rung
from specimen import halved

HERE = Path(__file__).parent
FIELDS = ["rung", "level", "share", "draw", "dice", "iou", "threshold", "steps", "seconds"]
TEST = {"y": [312, 352]}


@dataclass(frozen=True)
class Case:
    """One training: a rung, a share of the labels, and which of them."""

    rung: Rung
    level: Level
    draw: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the row in rows.csv."""
        return (self.rung.name, self.level.name, str(self.draw))


def cases(rungs: list[Rung]) -> list[Case]:
    """First what the question needs, a tenth of the labels and all of them, in every draw; then the curve, draw by draw."""
    every = [Case(rung, level, draw) for draw in range(DRAWS) for rung in rungs for level in LEVELS if level.name in rung.levels]
    every = [case for case in every if case.draw < case.rung.draws]
    return sorted(every, key=lambda case: (case.level.name not in FEW, case.draw))


def train(case: Case, data: Path, work: Path) -> Path:
    """Train in `work` and return the model."""
    from cellml.cli import run_verb

    folder = work / f"{case.rung.name}_{case.level.share:g}_{case.draw}"
    shutil.rmtree(folder, ignore_errors=True)
    labels = [f"data.{name}={hydra_text(value)}" for name, value in case.level.labels(case.draw).items()]
    words = [f"data.path={data}:raw", f"data.labels={data}:mito", f"seed={case.draw}", f"hydra.run.dir={folder}"]
    run_verb("train", [*case.rung.overrides(case.level, case.draw, work), *labels, *words])
    return folder / "model.ckpt"


def hydra_text(value: Any) -> str:
    """A list or mapping as Hydra's command line writes it: JSON without quotes."""
    return json.dumps(value).replace('"', "")


def judge(model: Path, data: Path) -> dict[str, Any]:
    """Dice and IoU of the test rows, at the threshold that the training chose on the validation rows."""
    from cellml.data.blocks import Block
    from cellml.infer.block import predict_block
    from cellml.metrics.confusion import ConfusionCounts

    found = predict_block(model, Block(f"{data}:raw", f"{data}:mito", TEST), trust=["sklearn."])
    score = ConfusionCounts.from_labels(found.truth, found.task.decode(found.probabilities), 2).scores()[1]
    return {"dice": score.dice, "iou": score.iou, "threshold": getattr(found.task.decoder, "threshold", float("nan"))}


def main() -> None:
    options = dict(word.split("=", 1) for word in sys.argv[1:])
    names = options.get("rungs", ",".join(RUNGS)).split(",")
    work = Path(options.get("work", "runs/label_efficiency")).resolve()
    data = halved(work / "vnc_halved.npz")
    rungs = [RUNGS[name] for name in names]
    if any(rung.pretrained for rung in rungs):
        ALL_UNLABELLED.make(data, work)
    table = HERE / "rows.csv"
    done = {(r["rung"], r["level"], r["draw"]) for r in csv.DictReader(table.open())} if table.is_file() else set()
    for case in cases(rungs):
        if case.key in done:
            continue
        begin = time.perf_counter()
        row = {"rung": case.rung.name, "level": case.level.name, "share": case.level.share, "draw": case.draw}
        row |= judge(train(case, data, work), data) | {"steps": case.rung.steps, "seconds": round(time.perf_counter() - begin, 1)}
        append(table, row)
        logging.getLogger(__name__).info("%s", row)
        print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}, flush=True)
    if any(np.isfinite(float(r["dice"])) for r in csv.DictReader(table.open())):
        from figure import report

        report(HERE)


def append(table: Path, row: dict[str, Any]) -> None:
    new = not table.is_file()
    with table.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=FIELDS)
        if new:
            writer.writeheader()
        writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
