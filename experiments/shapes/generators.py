"""The generators that the literature compares, on one trainer and one evaluation, each on the spines of image stacks that it has not seen.

    CELLML_DATA=… python experiments/shapes/generators.py seeds=0,1,2 only=dcgan,wgan_gp fold=0

A row of generators.csv is a generator, a seed, and the fold of image stacks that it has not seen. What has a row is not computed again, and
what has a checkpoint is not trained again (of seed 0 and fold 0 it lies beside this file). All are judged against the same held-out spines
as they are, not as a grid shows them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from models import stacks_of
from numpy.typing import NDArray

import cellml
from cellml.data.shape_arrays import GridRepresentation
from cellml.data.shape_grids import box_centre
from cellml.errors import CellmlError
from cellml.report.rows import append_row, read_rows
from cellml.shapes.evaluation.controls import copied_share, memorised
from cellml.shapes.evaluation.likelihood import held_out_log_likelihood, voxel_bound
from cellml.shapes.evaluation.reconstruction import reconstructions
from cellml.shapes.evaluation.shells import shell_radii, shell_table
from cellml.shapes.evaluation.two_sample import coverage, euclidean_distances, minimum_matching_distance, one_nearest_test
from cellml.shapes.population import Population
from cellml.shapes.reading import read_population
from cellml.tasks.shape_vae import ShapeVaeTask
from cellml.types import Surface

HERE = Path(__file__).parent
TABLE = HERE / "generators.csv"
KEPT = Path(os.environ.get("CELLML_CACHE", "runs")) / "shapes_generators"
LEFT_OUT = "residual_vae"  # chooses how far it bends on held-out shapes: on a fold of the others
NAMES = ("sdf_vae", "conditional_vae", LEFT_OUT, "dcgan", "wgan_gp", "conditional_gan", "infogan", "stacked_gan", "pixelcnn")
CONTROLS = ("memoriser", "gridded", "one_shape", "marginals")
SCORES = ("one_nn", "one_nn_low", "one_nn_high", "one_nn_p", "coverage", "mmd", "copied_share", "sphericity")
COLUMNS = (
    "generator", "seed", "fold", "steps", "weights", "held_out", *SCORES, "surface_nm", "iou", "log_likelihood", "likelihood_is",
    "seconds_a_shape",
)  # fmt: skip
DRAWN = 120  # shapes of each generator, from which tests take as many as are held out
GRID = GridRepresentation((20, 16, 20), margin=2, stretch=(3.0, 1.0, 1.0))  # that of conf/data/spine_grids.yaml


def trained(name: str, seed: int, fold: int, *words: str) -> Path:
    """The checkpoint of a recipe, trained where it is not there."""
    shipped, folder = HERE / f"{name}.ckpt", KEPT / f"{name}-{seed}-fold{fold}"
    if seed == fold == 0 and shipped.is_file():
        return shipped
    if not (folder / "model.ckpt").is_file():
        command = [sys.executable, "-m", "cellml", "train", f"experiment=shapes/{name}", f"seed={seed}", f"hydra.run.dir={folder}"]
        stacks = f"[{','.join(repr(stack) for stack in stacks_of(fold))}]"
        unseen = [f"data.left_out={stacks}"] if name == LEFT_OUT else [f"data.held_out={stacks}"]
        subprocess.run([*command, "trainer.enable_progress_bar=false", *unseen, *words], check=True)
    return folder / "model.ckpt"


@cache
def spines(fold: int) -> tuple[Population, Population]:
    """Training and held-out spines in the frame of their base; a copy of a spine is held out once."""
    population = read_population("spines:base")
    held = np.isin(population.groups, stacks_of(fold))
    seen: set[bytes] = set()
    fresh = np.array([s.vertices.tobytes() not in seen and not seen.add(s.vertices.tobytes()) for s in population.surfaces])
    return population.select(np.flatnonzero(~held)), population.select(np.flatnonzero(held & fresh))


@cache
def described(fold: int) -> tuple[NDArray[np.float64], ...]:
    """Radii of the shells, and the shells of training and of held-out spines."""
    train, held = spines(fold)
    radii = shell_radii(train.surfaces)
    return radii, shell_table(train.surfaces, radii), shell_table(held.surfaces, radii)


def compared(made: Sequence[Surface], fold: int) -> dict[str, float]:
    """New shapes against the held-out ones, on shells, unscaled. Coverage and matching distance are of as many new ones as are held out."""
    radii, learned, real = described(fold)
    new = shell_table(made, radii)
    test = one_nearest_test(euclidean_distances(real, new))
    equal = euclidean_distances(real, new[: len(real)])
    nearness = euclidean_distances(new, learned)
    values = (test.accuracy, test.low, test.high, test.p_value, coverage(equal), minimum_matching_distance(equal))
    values = (*values, copied_share(nearness.between, nearness.generated), np.median([sphericity(surface) for surface in made]))
    return {key: round(float(value), 3) for key, value in zip(SCORES, values, strict=True)}


def sphericity(surface: Surface) -> float:
    """Area of the ball of as much volume over the surface's area: 1 for a ball, low for rough surfaces, which shells do not see."""
    return float((36 * np.pi * surface.volume() ** 2) ** (1 / 3) / surface.areas().sum())


def given_back(task: Any, fold: int) -> dict[str, Any]:
    """How near an autoencoder gives held-out spines back: distance between surfaces in nm and overlap, medians over those it can read."""
    if not isinstance(task, ShapeVaeTask):
        return {}
    pairs = []
    held = spines(fold)[1]
    for number in range(len(held)):
        one = held.select([number])
        try:
            pairs.append((_centred(one.surfaces[0]), _centred(task.decode(task.encode(one))[0])))
        except CellmlError as error:
            print(f"{one.names[0]} is not given back: {error}", file=sys.stderr)
    found = reconstructions(*zip(*pairs, strict=True), samples=500)
    distance, overlap = (np.median([getattr(one, key) for one in found]) for key in ("assd_nm", "iou"))
    return {"surface_nm": round(float(distance), 1), "iou": round(float(overlap), 3)}


def _centred(surface: Surface) -> Surface:
    return Surface(surface.vertices - box_centre(surface), surface.faces, surface.name)


def likelihood(task: Any, fold: int) -> dict[str, Any]:
    """Mean log p of a held-out spine's voxels and size in nats: exact of an autoregressive model, a bound of an autoencoder of grids."""
    train, held = spines(fold)
    if hasattr(task.net, "places"):
        return {"log_likelihood": round(held_out_log_likelihood(task, held).value, 1), "likelihood_is": "exact"}
    if not isinstance(task, ShapeVaeTask) or not task.net.sized:
        return {}
    some = train.select(np.arange(0, len(train), 6))
    sharpest = max((1.0, 2.0, 4.0, 8.0), key=lambda sharpness: voxel_bound(task, some, sharpness=sharpness, samples=8).mean())
    return {"log_likelihood": round(float(voxel_bound(task, held, sharpness=sharpest).mean()), 1), "likelihood_is": "bound"}


def judge_generator(name: str, seed: int, fold: int, *words: str) -> dict[str, Any]:
    """Train where needed, draw, and compare. Columns that say nothing of this generator are empty."""
    import torch

    model = cellml.load(trained(name, seed, fold, *words))
    task = model.task.eval()
    torch.set_num_threads(1)
    begin = time.process_time()
    try:
        made = task.decode(task.sample(DRAWN, seed=seed))
    except CellmlError as error:  # most codes make nothing: a result too
        print(error, file=sys.stderr)
        made = []
    seconds = (time.process_time() - begin) / DRAWN
    measured = {"steps": model.record["step"], "weights": sum(parameter.numel() for parameter in task.net.parameters())}
    measured |= {
        **(compared(made, fold) if made else {}),
        **given_back(task, fold),
        **likelihood(task, fold),
        "seconds_a_shape": round(seconds, 3),
    }
    return row_of(name, seed, fold, measured)


def row_of(name: str, seed: int, fold: int, measured: dict[str, Any]) -> dict[str, Any]:
    """A row with all columns."""
    return {**dict.fromkeys(COLUMNS, ""), "generator": name, "seed": seed, "fold": fold, "held_out": len(spines(fold)[1]), **measured}


def memoriser(seed: int, fold: int) -> dict[str, Any]:
    """The control that draws training spines: what no generator of these stacks should be better than."""
    train, _ = spines(fold)
    return compared([train.surfaces[n] for n in memorised(train, DRAWN, seed)], fold)


def gridded(seed: int, fold: int) -> dict[str, Any]:
    """Training spines as the generators' grid shows them: what the grid alone does."""
    train, _ = spines(fold)
    shapes = train.select(memorised(train, DRAWN, seed))
    arrays = GRID.of(shapes)
    columns = zip(arrays.values, arrays.units, shapes.names, strict=True)
    return compared([GRID.surface(values, float(unit), name) for values, unit, name in columns], fold)


def one_shape(seed: int, fold: int) -> dict[str, Any]:
    """The training spine of the middle volume, over and over."""
    surfaces = spines(fold)[0].surfaces
    volumes = np.array([surface.volume() for surface in surfaces])
    return compared([surfaces[int(np.abs(volumes - np.median(volumes)).argmin())]] * DRAWN, fold)


def marginals(seed: int, fold: int) -> dict[str, Any]:
    """The control of the likelihood: each voxel by itself, inside as often as in training (and one shape of either kind); the size."""
    train, held = (GRID.of(shapes) for shapes in spines(fold))
    chance = ((train.values < 0).sum(axis=0) + 1) / (len(train.values) + 2)
    bits = np.where(held.values < 0, np.log(chance), np.log(1 - chance)).sum(axis=(1, 2, 3, 4))
    sizes = (np.log(held.units) - np.log(train.units).mean()) / np.log(train.units).std()
    return {"log_likelihood": round(float((bits - 0.5 * sizes**2 - 0.5 * np.log(2 * np.pi)).mean()), 1), "likelihood_is": "exact"}


def main(words: list[str]) -> None:
    """Rows that are missing, of the generators and seeds that are named and of one fold; other words go to `cellml train`."""
    given = dict(word.split("=", 1) for word in words if word.split("=")[0] in ("seeds", "only", "fold"))
    options = {"seeds": "0,1,2", "fold": "0", "only": ",".join((*CONTROLS, *NAMES)), **given}
    more = [word for word in words if word.split("=")[0] not in given]
    controls = {"memoriser": memoriser, "gridded": gridded, "one_shape": one_shape, "marginals": marginals}
    fold = int(options["fold"])
    for seed in map(int, options["seeds"].split(",")):
        for name in options["only"].split(","):
            done = {(row["generator"], row["seed"], row["fold"]) for row in read_rows(TABLE)}
            if (name, str(seed), str(fold)) in done:
                continue
            known = name in controls
            row = row_of(name, seed, fold, controls[name](seed, fold)) if known else judge_generator(name, seed, fold, *more)
            append_row(TABLE, row)


def results(table: Path) -> dict[str, tuple[float | None, str]]:
    """Of each generator on the first fold: seeds, and the mean, least and most 1-NN accuracy over them."""
    found: dict[str, tuple[float | None, str]] = {}
    rows = [row for row in read_rows(table) if row["one_nn"] and row["fold"] == "0"]
    for name in dict.fromkeys(row["generator"] for row in rows):
        mine = np.array([float(row["one_nn"]) for row in rows if row["generator"] == name])
        found |= {f"{name}_seeds": (float(len(mine)), "count"), f"{name}_one_nn_mean_over_seeds": (float(mine.mean()), "1")}
        found |= {f"{name}_one_nn_least": (float(mine.min()), "1"), f"{name}_one_nn_most": (float(mine.max()), "1")}
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
