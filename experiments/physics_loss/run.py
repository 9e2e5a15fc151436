"""The same network fine-tuned with and without a simulated answer in its loss: `python experiments/physics_loss/run.py`. See README.md.

Stages: test (trains and judges), gradients, summary; all of them where none is named: `run.py stage=test,summary`. steps=100 is the length
of a fine-tuning, work=runs/physics_loss where checkpoints go, seeds=1,2 which, try=first another rate and other shapes. Rows are written as
they come; what has one is not done again.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from cellml.report.rows import append_row, read_rows

HERE = Path(__file__).parent
SHIPPED = HERE.parent / "mesh_head/certified_spine.ckpt"
WEIGHT = 1.0  # the gradients of both parts of the loss are of like size then, on five shapes of another seed: README.md
SHAPES = 40
ARMS = ("without", "with")
TRIES = {"first": ("first_try.csv", 5e-4, 2000), "second": ("rows.csv", 1e-4, 3000)}  # table, learning rate, seed of the shapes
COMMON = (
    "experiment=mesh/physics_spine", "++data._target_=shapes.training_data", "++data._recursive_=false", "data.train_cells=24",
    "data.points=100", "data.val_cells=1", "data.answers.step_voxels=2.0", "task.begin=1.0",
    f"training.initialise_from={SHIPPED}",
    "training.validations=1", "callbacks.best=null", "callbacks.last=null", "trainer.enable_progress_bar=false",
)  # fmt: skip


def main() -> None:
    """All stages, or those that are named."""
    torch.set_num_threads(1)
    options = dict(word.split("=", 1) for word in sys.argv[1:])
    steps, work = int(options.get("steps", 100)), Path(options.get("work", "runs/physics_loss")).resolve()
    seeds = [int(seed) for seed in options.get("seeds", "1,2").split(",")]
    stages = options.get("stage", "test,gradients,summary").split(",")
    table, rate, shapes = TRIES[options.get("try", "second")]
    if "test" in stages:
        models = {seed: (trained(0.0, seed, steps, rate, work), trained(WEIGHT, seed, steps, rate, work)) for seed in seeds}
        judge(models, HERE / table, shapes)
    if "gradients" in stages:
        from gradients import measure_gradients

        measure_gradients(HERE / "gradients.csv")
    if "summary" in stages:
        from summary import summarise

        summarise(HERE, table)


def judge(models: dict[int, tuple[Path, Path]], table: Path, seed_of_shapes: int) -> None:
    """A row for each test shape and network, shape by shape, so that what is there compares all networks on the same shapes."""
    from shapes import held_out_cell, judged, judged_oracle

    from cellml.checkpoint import load

    done = {(row["arm"], row["seed"], row["shape"]) for row in read_rows(table)}
    named = {("shipped", 0): SHIPPED} | {(arm, seed): path for seed, both in models.items() for arm, path in zip(ARMS, both, strict=True)}
    tasks: dict[tuple[str, int], Any] = {key: load(path).task for key, path in named.items()}
    for number in range(SHAPES):
        missing = [key for key in tasks if (key[0], str(key[1]), str(number)) not in done]
        if not missing:
            continue
        cell = held_out_cell(number, seed_of_shapes)
        for arm, seed in missing:
            append_row(table, {"arm": arm, "seed": seed, "shape": number, **judged(tasks[arm, seed], cell)})
        if ("oracle", "0", str(number)) not in done:
            append_row(table, {"arm": "oracle", "seed": 0, "shape": number, **judged_oracle(cell)})


def trained(weight: float, seed: int, steps: int, rate: float, work: Path) -> Path:
    """The checkpoint of one fine-tuning; made where it is not there."""
    from cellml.cli import run_verb

    folder = work / f"weight_{weight:g}_seed_{seed}_steps_{steps}_rate_{rate:g}"
    if not (folder / "model.ckpt").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        own = (
            f"task.physics.weight={weight}",
            f"task.optimizer.lr={rate}",
            f"seed={seed}",
            f"training.max_steps={steps}",
            f"hydra.run.dir={folder}",
        )
        run_verb("train", (*COMMON, *own))
    return folder / "model.ckpt"


if __name__ == "__main__":
    main()
