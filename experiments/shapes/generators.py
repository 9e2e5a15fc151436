"""The generators that the literature compares, on one trainer and one evaluation, each on the spines of image stacks that it has not seen.

    CELLML_DATA=… python experiments/shapes/generators.py seeds=0,1,2 only=dcgan,wgan_gp

A row of generators.csv is a generator and a seed; what has a row is not computed again, and what has a checkpoint is not trained again.
Real shapes go through the grid that the generator works on, so that it is judged by its shapes and not by its voxels' size.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import cellml
from cellml.data.shape_module import ShapeBlock, ShapeDataModule
from cellml.errors import CellmlError
from cellml.report.rows import append_row, read_rows
from cellml.shapes.certified import certified_shape
from cellml.shapes.descriptors import descriptor_table
from cellml.shapes.evaluation.two_sample import coverage, euclidean_distances, minimum_matching_distance, one_nearest_test, standardised
from cellml.shapes.one_body import one_body
from cellml.types import Surface

HERE = Path(__file__).parent
TABLE = HERE / "generators.csv"
KEPT = Path(os.environ.get("CELLML_CACHE", "runs")) / "shapes_generators"
NAMES = ("dcgan", "wgan_gp", "conditional_gan", "infogan", "stacked_gan", "pixelcnn")
CERTIFIED = 5  # shapes of each row that are meshed, of the first that are drawn


def trained(name: str, seed: int, *words: str) -> Path:
    """The checkpoint of a recipe, trained where it is not there."""
    folder = KEPT / f"{name}-{seed}"
    if not (folder / "model.ckpt").is_file():
        command = [sys.executable, "-m", "cellml", "train", f"experiment=shapes/{name}", f"seed={seed}", f"hydra.run.dir={folder}"]
        subprocess.run([*command, "trainer.enable_progress_bar=false", *words], check=True)
    return folder / "model.ckpt"


def data_of(record: dict[str, Any]) -> ShapeDataModule:
    """The data that a checkpoint was trained on, with its held-out stacks."""
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    data: ShapeDataModule = instantiate(OmegaConf.create(record["config"]).data, _convert_="all")
    data.setup()
    return data


def through_grid(blocks: list[ShapeBlock], representation: Any) -> list[Surface]:
    """Real shapes as the surfaces of their grids, nm."""
    return [representation.surface(one_body(b.values[0], b.name)[0][None], b.unit, b.name) for b in blocks]


def certified(surfaces: list[Surface]) -> int:
    """How many of the first few become a mesh that passes the gate."""
    passed = 0
    for surface in surfaces[:CERTIFIED]:
        try:
            certified_shape(surface)
            passed += 1
        except CellmlError as error:
            print(f"{surface.name}: {error}", file=sys.stderr)
    return passed


def compared(real: list[Surface], made: list[Surface], reference: list[Surface]) -> dict[str, float | str]:
    """1-NN accuracy with its interval, coverage and minimum matching distance on descriptors, standardised on the training shapes."""
    tables = [descriptor_table(shapes)[1] for shapes in (reference, real, made)]
    _, held, drawn = standardised(tables[0], *tables)
    distances = euclidean_distances(held, drawn)
    test = one_nearest_test(distances)
    return {
        "one_nn": round(test.accuracy, 3),
        "one_nn_low": round(test.low, 3),
        "one_nn_high": round(test.high, 3),
        "coverage": round(coverage(distances), 3),
        "mmd": round(minimum_matching_distance(distances), 3),
    }


def bits_per_voxel(task: Any, blocks: list[ShapeBlock]) -> str:
    """Of the held-out shapes, exactly, where the model has a likelihood of voxels."""
    import torch

    if not hasattr(task.net, "places"):
        return ""
    samples = [block.sample() for block in blocks]
    batch = {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
    with torch.no_grad():
        return f"{float(task.loss_of(batch).total):.5f}"


def judge(name: str, seed: int, *words: str) -> dict[str, Any]:
    """Train where needed, draw as many shapes as are held out, and compare."""
    path = trained(name, seed, *words)
    model = cellml.load(path)
    data, task = data_of(model.record), model.task
    held, train = data.validation_blocks, data.training_blocks
    begin = time.perf_counter()
    made = task.decode(task.sample(len(held), seed=seed))
    seconds = (time.perf_counter() - begin) / len(held)
    reference = through_grid(train, task.representation)
    return {
        "generator": name,
        "seed": seed,
        "steps": model.record["step"],
        "weights": sum(parameter.numel() for parameter in task.net.parameters()),
        "held_out": len(held),
        **compared(through_grid(held, task.representation), made, reference),
        "bits_per_voxel": bits_per_voxel(task, held),
        "certified": certified(made),
        "of": CERTIFIED,
        "seconds_a_shape": round(seconds, 3),
    }


def memoriser(seed: int) -> dict[str, Any]:
    """The control that draws training shapes, as the table has it: what no generator of these stacks should be better than."""
    from cellml.data.classed_spines import ClassedSpines
    from cellml.data.shape_arrays import GridRepresentation

    representation = GridRepresentation((24, 24, 24), margin=2)
    data = ShapeDataModule(ClassedSpines(), representation)
    data.setup()
    held = data.validation_blocks
    train = through_grid(data.training_blocks, representation)
    drawn = np.random.default_rng(seed).permutation(len(train))[: len(held)]
    scores = compared(through_grid(held, representation), [train[n] for n in drawn], train)
    empty = {"bits_per_voxel": "", "certified": "", "of": "", "seconds_a_shape": ""}
    return {"generator": "memoriser", "seed": seed, "steps": "", "weights": "", "held_out": len(held), **scores, **empty}


def main(words: list[str]) -> None:
    given = dict(word.split("=", 1) for word in words if word.split("=")[0] in ("seeds", "only"))
    options = {"seeds": "0,1", "only": ",".join((*NAMES, "memoriser")), **given}
    more = [word for word in words if word.split("=")[0] not in given]
    for seed in map(int, options["seeds"].split(",")):
        for name in options["only"].split(","):
            done = {(row["generator"], row["seed"]) for row in read_rows(TABLE)}
            if (name, str(seed)) not in done:
                append_row(TABLE, memoriser(seed) if name == "memoriser" else judge(name, seed, *more))


if __name__ == "__main__":
    main(sys.argv[1:])
