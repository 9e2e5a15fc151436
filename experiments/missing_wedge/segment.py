"""Neurites segmented in what a tilt series leaves of the tissue, by a network trained on complete data.

The labelled block x = 168 to 249, y = 64 to 191 of `fib25_train2`, on which neither the segmenter nor a repair was trained, is projected
with its surroundings: all of the sample, continued by its mirror image in x so that every tilt sees the whole block. What the segmenter
says of a reconstruction is decoded twice: as on complete data, and with the decoder that is best for this reconstruction on rows y = 0 to
55 of the same columns, which are projected and repaired alike.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from classical import choose, run
from conditions import Condition
from learned import checkpoints, repairs
from numpy.typing import NDArray
from specimens import SPACING_NM, tissue

from cellml.checkpoint import load
from cellml.data.blocks import Block, OpenBlock
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.report.rows import append_row, read_rows
from cellml.tasks.decoder_choice import choose_on
from cellml.tomography.simulate import simulate_tilts
from cellml.types import Labels, TiltSeries, Volume

HERE = Path(__file__).parent
TABLE = HERE / "segmentation.csv"
SEGMENTER = HERE.parent / "segmentation_fib25" / "model.ckpt"
COLUMNS = (168, 250)
SCORED, CHOOSING = (64, 192), (0, 56)  # rows y
MIRRORED = 64  # voxels of mirror image on both sides in x
CONDITION = Condition("fib25", snr=10.0)
CLASSICAL = ("sirt_subsets", "sirt", "tv", "wiener")

Floats = NDArray[np.float32]


@cache
def surroundings(rows: tuple[int, int] = SCORED) -> Volume:
    """Rows of the sample with its mirror images, (170, rows, 378)."""
    whole = tissue("fib25_train2", {"y": rows})
    data = np.pad(whole.data, ((0, 0), (0, 0), (MIRRORED, MIRRORED)), mode="symmetric")
    return Volume(data, whole.spacing, name="fib25_train2")


@cache
def truth(rows: tuple[int, int] = SCORED) -> Labels:
    """Neurites of the labelled columns."""
    block = OpenBlock(Block("fib25_train2", region={"y": rows, "x": COLUMNS}, spacing_nm=SPACING_NM))
    return Labels(block.read_labels(), block.spacing, name="neurites")


def affinities(task: Any, dense: Floats) -> Floats:
    """What the segmenter says of the labelled columns of a volume with dense membranes positive; it knows them dark."""
    block = dense[:, :, MIRRORED + COLUMNS[0] : MIRRORED + COLUMNS[1]]
    image = (block.mean() - block) / block.std()
    return np.asarray(task.predict_volume(np.ascontiguousarray(image[None], np.float32)), np.float32)


def prediction(method: str, dense: Floats) -> Labels:
    """Neurites of the scored rows of a reconstruction, decoded as was chosen for it. Raises KeyError for one without a row in the table."""
    task, chosen = load(SEGMENTER).task, {r["method"]: r for r in read_rows(TABLE)}[method]
    task.decoder = replace(task.decoder, scoring=chosen["scoring"], threshold=float(chosen["threshold"]))
    return Labels(task.decode(affinities(task, dense)), SPACING_NM, name="prediction")


def series_of(condition: Condition, rows: tuple[int, int] = SCORED) -> TiltSeries:
    """Rows of the sample projected under a condition."""
    whole = surroundings(rows)
    return simulate_tilts(whole, condition.tilts, snr=condition.snr, support=np.ones(whole.shape, bool))


def volumes(condition: Condition, done: Collection[str], rows: tuple[int, int] = SCORED) -> Iterator[tuple[str, Floats]]:
    """Reconstructions and repairs of rows of the sample that are not done yet, by name."""
    depth = surroundings(rows).shape[0]
    methods = [m for m in CLASSICAL if m not in done]
    networks = [path for path in checkpoints() if f"{path.stem}+tilts" not in done]
    if not methods and not networks:
        return
    series = series_of(condition, rows)
    for method in methods:
        yield method, run(method, series, depth, choose(condition, method))
    for path in networks:
        yield from ((name, volume) for name, volume in repairs(path, series, depth, condition) if name not in done)


def scores(labels: NDArray[Any], suffix: str = "") -> dict[str, float]:
    """Adapted Rand error and variation of information over all voxels of the scored rows with truth > 0."""
    found = partition_scores(ContingencyTable.from_labels(truth().data, labels))
    return {f"adapted_rand_error{suffix}": round(found.adapted_rand_error, 4), f"voi_sum{suffix}": round(found.voi_sum, 4)}


def row(method: str, scored: Floats, choosing: Floats) -> dict[str, Any]:
    """A row of segmentation.csv; scored, choosing: the reconstruction of either rows."""
    task = load(SEGMENTER).task
    answers = affinities(task, scored)
    usual = scores(task.decode(answers))
    with tempfile.TemporaryDirectory() as folder:
        choose_on(task, [("choosing rows", affinities(task, choosing), truth(CHOOSING).data)], Path(folder))
    chosen = {"scoring": task.decoder.scoring, "threshold": task.decoder.threshold}
    return {"method": method} | usual | scores(task.decode(answers), "_chosen") | chosen


def main() -> None:
    """Rows that are missing: complete data, reconstructions without learning, repairs."""
    done = {r["method"] for r in read_rows(TABLE)}
    if "complete" not in done:
        append_row(TABLE, row("complete", surroundings().data, surroundings(CHOOSING).data))
    pairs = zip(volumes(CONDITION, done), volumes(CONDITION, done, CHOOSING), strict=True)
    for (method, scored), (same, choosing) in pairs:
        assert method == same, (method, same)
        append_row(TABLE, row(method, scored, choosing))
