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
CONTROLS = ("memoriser", "marginals")
SCORES = ("one_nn", "one_nn_low", "one_nn_high", "coverage", "mmd")
COLUMNS = ("generator", "seed", "steps", "weights", "held_out", *SCORES, "bits_per_voxel", "certified", "of", "seconds_a_shape")
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
    _, held, new = standardised(tables[0], *tables)
    distances = euclidean_distances(held, new)
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
    made = drawn(task, len(held), seed)
    seconds = (time.perf_counter() - begin) / len(held)
    reference = through_grid(train, task.representation)
    scores = compared(through_grid(held, task.representation), made, reference) if made else dict.fromkeys(SCORES, "")
    return {
        "generator": name,
        "seed": seed,
        "steps": model.record["step"],
        "weights": sum(parameter.numel() for parameter in task.net.parameters()),
        "held_out": len(held),
        **scores,
        "bits_per_voxel": bits_per_voxel(task, held),
        "certified": certified(made),
        "of": CERTIFIED,
        "seconds_a_shape": round(seconds, 3),
    }


def drawn(task: Any, count: int, seed: int) -> list[Surface]:
    """New shapes; none where most codes make nothing, which is a result too."""
    try:
        return list(task.decode(task.sample(count, seed=seed)))
    except CellmlError as error:
        print(error, file=sys.stderr)
        return []


def marginals(seed: int) -> dict[str, Any]:
    """The control of the likelihood: every voxel by itself, inside as often as in training (one shape more of either kind added)."""
    from cellml.data.classed_spines import ClassedSpines
    from cellml.data.shape_arrays import GridRepresentation

    data = ShapeDataModule(ClassedSpines(), GridRepresentation((24, 16, 16), margin=2))
    data.setup()
    train, held = (np.stack([block.values < 0 for block in blocks]) for blocks in (data.training_blocks, data.validation_blocks))
    chance = (train.sum(axis=0) + 1) / (len(train) + 2)
    bits = -np.where(held, np.log2(chance), np.log2(1 - chance)).mean()
    row = dict.fromkeys(COLUMNS, "")
    return {**row, "generator": "marginals", "seed": seed, "held_out": len(held), "bits_per_voxel": f"{bits:.5f}"}


def memoriser(seed: int) -> dict[str, Any]:
    """The control that draws training shapes, as the table has it: what no generator of these stacks should be better than."""
    from cellml.data.classed_spines import ClassedSpines
    from cellml.data.shape_arrays import GridRepresentation

    representation = GridRepresentation((24, 24, 24), margin=2)
    data = ShapeDataModule(ClassedSpines(), representation)
    data.setup()
    held = data.validation_blocks
    train = through_grid(data.training_blocks, representation)
    copies = np.random.default_rng(seed).permutation(len(train))[: len(held)]
    scores = compared(through_grid(held, representation), [train[n] for n in copies], train)
    return {**dict.fromkeys(COLUMNS, ""), "generator": "memoriser", "seed": seed, "held_out": len(held), **scores}


def main(words: list[str]) -> None:
    given = dict(word.split("=", 1) for word in words if word.split("=")[0] in ("seeds", "only"))
    options = {"seeds": "0,1", "only": ",".join((*NAMES, *CONTROLS)), **given}
    more = [word for word in words if word.split("=")[0] not in given]
    for seed in map(int, options["seeds"].split(",")):
        for name in options["only"].split(","):
            done = {(row["generator"], row["seed"]) for row in read_rows(TABLE)}
            if (name, str(seed)) not in done:
                controls = {"memoriser": memoriser, "marginals": marginals}
                append_row(TABLE, controls[name](seed) if name in controls else judge(name, seed, *more))


if __name__ == "__main__":
    main(sys.argv[1:])
