"""Neurites segmented in what a tilt series leaves of the tissue, by a network trained on complete data.

The labelled block x = 168 to 249 of `fib25_train2`, on which the segmenter was not trained, is projected with its surroundings: all of the
sample, continued by its mirror image in x so that every tilt sees the whole block. Networks that repair must not have been trained on
x ≥ 160 either, or their rows flatter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from classical import choose, run
from conditions import Condition
from learned import checkpoints, repairs
from numpy.typing import NDArray
from run import append_row, read_rows
from specimens import SPACING_NM, tissue

from cellml.checkpoint import load
from cellml.data.blocks import Block, OpenBlock
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.tomography.simulate import simulate_tilts
from cellml.types import Labels, TiltSeries, Volume

HERE = Path(__file__).parent
TABLE = HERE / "segmentation.csv"
SEGMENTER = HERE.parent / "segmentation_fib25" / "model.ckpt"
REGION = {"y": (64, 192), "x": (168, 250)}
MIRRORED = 64  # voxels of mirror image on both sides in x
CONDITIONS = (Condition("fib25", snr=10.0), Condition("fib25", snr=1.0))
CLASSICAL = ("sirt_subsets", "sirt", "tv", "wiener")


@cache
def surroundings() -> Volume:
    """The sample with its mirror images, rows y = 64 to 191, (170, 128, 378)."""
    whole = tissue("fib25_train2", {"y": REGION["y"]})
    data = np.pad(whole.data, ((0, 0), (0, 0), (MIRRORED, MIRRORED)), mode="symmetric")
    return Volume(data, whole.spacing, name="fib25_train2")


def block_of(volume: NDArray[np.float32]) -> NDArray[np.float32]:
    """The labelled block of a reconstruction."""
    return volume[:, :, MIRRORED + REGION["x"][0] : MIRRORED + REGION["x"][1]]


def truth() -> Labels:
    """Neurites of the block."""
    block = OpenBlock(Block("fib25_train2", region=REGION, spacing_nm=SPACING_NM))
    return Labels(block.read_labels(), block.spacing, name="neurites")


def prediction(dense: NDArray[np.float32]) -> Labels:
    """What the segmenter makes of the block of a volume with dense membranes positive; it knows them dark."""
    model, block = load(SEGMENTER), block_of(dense)
    image = (block.mean() - block) / block.std()
    labels = model.task.decode(model.task.predict_volume(np.ascontiguousarray(image[None], np.float32)))
    return Labels(labels, SPACING_NM, name="prediction")


def series_of(condition: Condition) -> TiltSeries:
    """The sample projected under a condition."""
    return simulate_tilts(surroundings(), condition.tilts, snr=condition.snr, support=np.ones(surroundings().shape, bool))


def volumes(condition: Condition, done: Collection[str]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Reconstructions and repairs of the sample that are not done yet, by name."""
    depth = surroundings().shape[0]
    methods = [m for m in CLASSICAL if m not in done]
    networks = [path for path in checkpoints() if f"{path.stem}+tilts" not in done]
    if not methods and not networks:
        return
    series = series_of(condition)
    for method in methods:
        yield method, run(method, series, depth, choose(condition, method))
    for path in networks:
        yield from ((name, volume) for name, volume in repairs(path, series, depth, condition) if name not in done)


def row(snr: str, method: str, volume: NDArray[np.float32]) -> dict[str, Any]:
    """A row of segmentation.csv, over all voxels with truth > 0."""
    scores = partition_scores(ContingencyTable.from_labels(truth().data, prediction(volume).data))
    return {
        "snr": snr,
        "method": method,
        "adapted_rand_error": round(scores.adapted_rand_error, 4),
        "voi_sum": round(scores.voi_sum, 4),
    }


def main() -> None:
    """Rows that are missing: complete data, classical reconstructions, repairs."""
    done = {(r["snr"], r["method"]) for r in read_rows(TABLE)}
    if ("", "complete") not in done:
        append_row(TABLE, row("", "complete", surroundings().data))
    for condition in CONDITIONS:
        snr = f"{condition.snr:g}"
        for method, volume in volumes(condition, {m for s, m in done if s == snr}):
            append_row(TABLE, row(snr, method, volume))
