"""The classical rungs of the ladder on VNC mitochondria: `python experiments/segmentation_vnc/classical.py`.

Every rung is trained by its own `cellml train experiment=segmentation/NAME` on y 0–512, its threshold chosen on y 528–608, and judged here
on y 624–704, which no fit has seen. A row is written to classical.csv as soon as it is measured, and rows that are there are not measured
again; `--speed` measures the forest's speed alone, several times, and `forest.json` holds what the study's results take over.

Seconds are given by the clock and by the processor (all threads together): on a busy machine only the latter says what a method costs.
The forest's two numbers are the better of both. That is no flattery: the work is pure computation, so that on idle cores the clock cannot
show more than the processor's seconds, which are those of one core; both clocks stand beside them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from cellml.checkpoint import load
from cellml.data.blocks import Block, OpenBlock
from cellml.io import write_json
from cellml.io.atomic import write_text
from cellml.metrics.confusion import ConfusionCounts

HERE = Path(__file__).parent
TABLE = HERE / "classical.csv"
RUNGS = (
    "otsu",
    "multi_otsu",
    "marker_watershed",
    "kmeans",
    "naive_bayes",
    "logistic_regression",
    "svm",
    "extra_trees",
    "gradient_boosting",
    "voting",
    "forest",
)
TEST = {"y": [624, 704]}


def trained(name: str, folder: Path) -> tuple[Path, dict[str, float]]:
    """Train one rung as the command does; its checkpoint, and what it logged."""
    from cellml.cli import main

    code = main(["train", f"experiment=segmentation/{name}", f"hydra.run.dir={folder}"])
    if code:
        sys.exit(code)
    with (folder / "metrics" / "metrics.csv").open() as stream:
        logged = {key: float(value) for row in csv.DictReader(stream) for key, value in row.items() if value}
    return folder / "model.ckpt", {
        "train_pixels": logged.get("train/pixels", float("nan")),
        "train_seconds": logged["train/seconds"],
        "train_processor_seconds": logged["train/processor_seconds"],
        "val_iou": logged["val/iou"],
    }


def judged(checkpoint: Path, repeats: int = 1) -> dict[str, float]:
    """IoU and Dice of mitochondria on the test block, and the fastest of some predictions of it."""
    task = load(checkpoint).task
    block = OpenBlock(Block("vnc_stack1", "vnc_stack1:mito", TEST))
    image, voxels = block.read_image(), float(torch.tensor(block.shape).prod())
    wall, processor = [], []
    for _ in range(repeats):
        begin, used = time.perf_counter(), time.process_time()
        probabilities = task.predict_volume(image)
        wall.append(time.perf_counter() - begin)
        processor.append(time.process_time() - used)
    scores = ConfusionCounts.from_labels(block.read_labels(), task.decode(probabilities), 2).scores()[1]
    return {
        "test_iou": scores.iou,
        "test_dice": scores.dice,
        "predict_mvoxel_per_s": voxels / min(wall) / 1e6,
        "predict_mvoxel_per_processor_s": voxels / min(processor) / 1e6,
    }


def measure(name: str) -> dict[str, Any]:
    """One row of the table; the forest's checkpoint is kept."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, row = trained(name, Path(folder) / name)
        row |= judged(checkpoint, 1 if name == "svm" else 3)
        row["checkpoint_mb"] = checkpoint.stat().st_size / 1e6
        if name == "forest":
            shutil.copy(checkpoint, HERE / "forest.ckpt")
            write_forest([row], circumstances())
    return {"rung": name, **{key: float(f"{value:.4g}") for key, value in row.items()}, **circumstances()}


def circumstances() -> dict[str, float]:
    """Threads that were used, and how busy the machine was."""
    return {"threads": torch.get_num_threads(), "load": round(os.getloadavg()[0], 1)}


def measure_speed(repeats: int) -> None:
    """The shipped forest: fitted anew to 20k pixels, and predicting the test block; the best of some repetitions goes to forest.json."""
    from hydra import compose, initialize_config_dir
    from hydra.utils import instantiate

    from cellml.config import conf_dir

    with initialize_config_dir(str(conf_dir().resolve()), version_base="1.3"):
        config = compose("train", ["experiment=segmentation/forest"])
    task, data = (instantiate(config[name], _convert_="all") for name in ("task", "data"))
    data.setup()
    found: list[dict[str, float]] = []
    for _ in range(repeats):
        begin, used = time.perf_counter(), time.process_time()
        numbers = task.net.fit(data, task.target)
        clocks = {"train_seconds": time.perf_counter() - begin, "train_processor_seconds": time.process_time() - used}
        found.append({**judged(HERE / "forest.ckpt", 3), **clocks, "train_pixels": numbers["pixels"]})
        print(found[-1], circumstances(), flush=True)
    write_forest(found, circumstances())


def write_forest(measured: Sequence[dict[str, float]], around: dict[str, float]) -> None:
    """forest.json from measurements of the forest, the best of each number; what the study's own results take over stands in `values`."""
    train, clock = (min(row[key] for row in measured) for key in ("train_processor_seconds", "train_seconds"))
    predict, rate = (max(row[key] for row in measured) for key in ("predict_mvoxel_per_processor_s", "predict_mvoxel_per_s"))
    values = {
        "forest_iou": (measured[-1]["test_iou"], "1"),
        "forest_train_time": (min(train, clock), "s"),
        "forest_train_clock": (clock, "s"),
        "forest_predict": (max(predict, rate), "Mvoxel/s"),
        "forest_predict_clock": (rate, "Mvoxel/s"),
    }
    content = {key: [float(f"{value:.4g}"), unit] for key, (value, unit) in values.items()}
    about = {"pixels": measured[-1]["train_pixels"], "repeats": len(measured), **around}
    write_json(HERE / "forest.json", {"values": content, "about": about})


def rows() -> list[dict[str, Any]]:
    """What is in the table."""
    if not TABLE.is_file():
        return []
    with TABLE.open() as stream:
        return list(csv.DictReader(stream))


def write(table: Sequence[dict[str, Any]]) -> None:
    """The table in the order of the ladder."""
    ordered = sorted(table, key=lambda row: RUNGS.index(row["rung"]))
    lines = [",".join(ordered[0]), *(",".join(str(value) for value in row.values()) for row in ordered)]
    write_text(TABLE, "\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rungs", nargs="*", help=f"measured (again); without any, those that are missing of {', '.join(RUNGS)}")
    parser.add_argument("--speed", type=int, default=0, metavar="N", help="time the forest N times instead")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    torch.set_num_threads(options.threads)
    if options.speed:
        measure_speed(options.speed)
        print(json.dumps(json.loads((HERE / "forest.json").read_text()), indent=1))
        return
    for name in options.rungs or [rung for rung in RUNGS if rung not in {row["rung"] for row in rows()}]:
        measured = measure(name)  # before the table is read, which another process may have written meanwhile
        write([*(row for row in rows() if row["rung"] != name), measured])
        print(TABLE.read_text(), flush=True)


if __name__ == "__main__":
    main()
