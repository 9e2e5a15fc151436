"""The block on which no weight was trained, what the shipped network makes of an image of it, and its two parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.blocks import Block, OpenBlock
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.types import Labels, Volume

CHECKPOINT = Path(__file__).parents[1] / "segmentation_fib25" / "model.ckpt"
SPACING_NM = (10.0, 10.0, 10.0)
COLUMNS = (168, 250)
ROWS = (50, 250)
# Of these rows y: strengths of filters and thresholds of the decoder are chosen in one part, answers are judged in the other, ten rows off.
PARTS = {"validation": (0, 70), "test": (80, 200)}
THRESHOLDS = (0.05, 0.15, 0.3, 0.45, 0.6, 0.75)  # of the decoder; the checkpoint has 0.45
MOST_PIECES = 5  # that a person joins to mend a neurite

Array = NDArray[Any]


def grey_values(columns: tuple[int, int] = COLUMNS) -> Volume:
    """Grey values of columns x of ROWS of `fib25_train2`, (170, 200, columns)."""
    block = OpenBlock(Block("fib25_train2", region={"x": columns, "y": ROWS}, spacing_nm=SPACING_NM), need_labels=False)
    return Volume(np.asarray(block.read_raw(), np.float32), block.spacing, name="FIB-25")


def true_labels(part: str) -> Labels:
    """Neurites of a part."""
    rows = [ROWS[0] + row for row in PARTS[part]]
    block = OpenBlock(Block("fib25_train2", region={"x": COLUMNS, "y": rows}, spacing_nm=SPACING_NM))
    return Labels(block.read_labels(), block.spacing, name=f"truth of the {part} part")


def affinities(task: Any, image: Array) -> Array:
    """What the network says of an image (Z, Y, X) with dark membranes, normalised by its own mean and deviation as `cellml infer` does."""
    normalised = (image - image.mean(dtype=float)) / image.std(dtype=float)
    return np.asarray(task.predict_volume(np.ascontiguousarray(normalised[None], np.float32)))


def segmentations(task: Any, answers: Array, part: str) -> dict[float, Array]:
    """Labels (Z, Y, X) of a part for each threshold, from affinities of all rows, by the checkpoint's decoder."""
    pairs, offsets = task.target.pairs(np.ascontiguousarray(answers[:, :, slice(*PARTS[part])]))
    decoder = task.decoder
    return dict(zip(THRESHOLDS, decoder.sweep(pairs, decoder.fragments(pairs, offsets), THRESHOLDS, offsets), strict=True))


@dataclass(frozen=True)
class Mended:
    """The pieces of a segmentation that stand for a true object: those that lie in it mostly, the largest few; and their overlap."""

    pieces: tuple[int, ...]
    dice: float


def mended(table: ContingencyTable, most: int = MOST_PIECES) -> dict[int, Mended]:
    """Truth label > 0 → its pieces: what a person makes of a segmentation who joins up to `most` pieces of each object and cuts none.

    A piece belongs to the true object (0 too) in which most of it lies; of those, the `most` of largest overlap are joined. A piece that
    runs through several objects is given to one of them, whole. Dice: 2 |A ∩ B| / (|A| + |B|), 0 for an object without pieces.
    """
    order = np.lexsort((table.truth, -table.counts, table.prediction))
    owned = order[np.unique(table.prediction[order], return_index=True)[1]]
    owned = owned[np.lexsort((table.prediction[owned], -table.counts[owned]))]
    sizes = dict(zip(*(a.tolist() for a in table.prediction_sizes), strict=True))
    found = {}
    for label, size in zip(*(a.tolist() for a in table.truth_sizes), strict=True):
        if label > 0:
            mine = owned[(table.truth[owned] == label) & (table.prediction[owned] > 0)][:most]
            pieces = tuple(int(p) for p in table.prediction[mine])
            together = size + sum(sizes[p] for p in pieces)
            found[label] = Mended(pieces, float(2 * table.counts[mine].sum() / together))
    return found


def chosen_thresholds(truth: Array, labels: dict[float, Array], judged: list[int]) -> tuple[float, float]:
    """The thresholds of the least adapted Rand error, and of the largest mean Dice of the mended neurites that are asked about."""
    tables = {t: ContingencyTable.from_labels(truth, found) for t, found in labels.items()}
    rand = min(tables, key=lambda t: partition_scores(tables[t]).adapted_rand_error)
    mending = {t: mended(table) for t, table in tables.items()}
    return rand, max(mending, key=lambda t: float(np.mean([mending[t][n].dice for n in judged])))
