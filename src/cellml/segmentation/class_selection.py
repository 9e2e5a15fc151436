"""Choice of a class decoder's parameters, on validation data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.metrics.confusion import ConfusionCounts

Block = tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]


@dataclass(frozen=True)
class ClassChoice:
    """The decoder of the largest mean IoU, its parameters, its scores, and one row for every candidate in the order tried."""

    decoder: Any
    parameters: dict[str, Any]
    scores: dict[str, float]
    rows: tuple[dict[str, Any], ...]


def choose_class_parameters(decoder: Any, grid: Mapping[str, Sequence[Any]], blocks: Iterable[Block]) -> ClassChoice:
    """Decode every block with every combination of the grid, add up the confusion counts, and keep the largest mean IoU of the classes > 0.

    decoder: a frozen dataclass, called with probabilities; grid: values of its fields; blocks: (probabilities (K, Z, Y, X),
    truth and known (Z, Y, X)). On a tie the earlier candidate wins. Raises CellmlError for an empty grid, an unknown field, or no block.
    """
    unknown = set(grid) - set(decoder.__dataclass_fields__)
    if not grid or unknown or not all(len(values) for values in grid.values()):
        raise CellmlError(
            f"task.decoder_grid needs values for fields of {type(decoder).__name__} ({', '.join(decoder.__dataclass_fields__)}), "
            f"got {dict(grid)}."
        )
    candidates = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    counts: list[ConfusionCounts] = []
    for probabilities, truth, known in blocks:
        found = [
            ConfusionCounts.from_labels(truth, replace(decoder, **parameters)(probabilities), len(probabilities), known)
            for parameters in candidates
        ]
        counts = [a + b for a, b in zip(counts, found, strict=True)] if counts else found
    if not counts:
        raise CellmlError("There is no validation block to choose the decoder's parameters on; give data.val.")
    rows = [{**p, "dice": c.mean_dice(), "iou": c.mean_iou()} for p, c in zip(candidates, counts, strict=True)]
    best = int(np.argmax([np.nan_to_num(row["iou"], nan=-1.0) for row in rows]))
    scores = {name: rows[best][name] for name in ("dice", "iou")}
    return ClassChoice(replace(decoder, **candidates[best]), candidates[best], scores, tuple(rows))
