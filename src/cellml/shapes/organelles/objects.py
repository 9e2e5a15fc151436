"""The objects of a label volume as organelles: centre, volume and how much room each needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Labels

Floats = NDArray[np.float64]

_FEWEST = 27  # voxels


@dataclass(frozen=True, eq=False)
class Objects:
    """numbers: (N,) labels; centres: (N, 3) (x, y, z) in nm; volumes: (N,) nm³; balls: (N,) radius in nm of the largest ball about the
    centre that lies in the object; whole: (N,), whether it stays clear of the border of the volume; boxes: of each, (z, y, x) slices.
    """

    numbers: NDArray[np.int64]
    centres: Floats
    volumes: Floats
    balls: Floats
    whole: NDArray[np.bool_]
    boxes: tuple[tuple[slice, ...], ...]

    def __len__(self) -> int:
        return len(self.numbers)


def objects_of(labels: Labels, fewest: int = _FEWEST) -> Objects:
    """Every label of at least `fewest` voxels as one object. Raises CellmlError where there is none."""
    from scipy.ndimage import distance_transform_edt, find_objects

    spacing, origin = np.array(labels.spacing), np.array(labels.origin)
    rows: list[tuple[Any, ...]] = []
    for number, box in enumerate(find_objects(labels.data), 1):
        if box is None:
            continue
        mask = labels.data[box] == number
        if mask.sum() < fewest:
            continue
        middle = np.argwhere(mask).mean(axis=0)
        nearest = tuple(np.round(middle).astype(int))
        ball = 0.0
        if mask[nearest]:
            margin = [int(n > 1) for n in labels.shape]  # a single section has no border in front and behind
            depth = distance_transform_edt(np.pad(mask, [(m, m) for m in margin]), sampling=spacing)
            ball = float(depth[tuple(np.array(nearest) + margin)]) - 0.5 * spacing[np.array(margin, bool)].min()
        whole = all(part.start > 0 and part.stop < n for part, n in zip(box, labels.shape, strict=True))
        centre = (middle + [part.start for part in box]) * spacing + origin
        rows.append((number, centre[::-1], mask.sum() * spacing.prod(), ball, whole, box))
    if not rows:
        raise CellmlError(f"{labels.name!r} holds no object of {fewest} voxels or more, so there is nothing to learn from.")
    numbers, centres, volumes, balls, complete, boxes = zip(*rows, strict=True)
    return Objects(np.array(numbers), np.array(centres), np.array(volumes), np.array(balls), np.array(complete), tuple(boxes))
