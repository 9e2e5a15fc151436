"""Which voxels of a volume count as labelled, and what number each then has.

One number, `UNLABELLED`, stands for "nobody said what this is" from here on, whatever the file wrote there; targets mask it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

UNLABELLED = -1

Region = tuple[slice, slice, slice]


@dataclass(frozen=True)
class LabelRules:
    """boxes: where labels count, in voxels of the volume (None: everywhere); ignore: the file's numbers of unlabelled voxels; values:
    class number of each number in the file (None: the file's own).
    """

    boxes: tuple[Region, ...] | None = None
    ignore: tuple[int, ...] = ()
    values: tuple[tuple[int, int], ...] | None = None

    @classmethod
    def of_block(cls, block: Any, shape: Sequence[int]) -> LabelRules:
        """The rules of a `Block` of a volume of this shape. Raises CellmlError for sections and boxes outside of it."""
        boxes = None
        if block.labelled_sections is not None or block.labelled is not None:
            sections = [{"z": [int(z), int(z) + 1]} for z in block.labelled_sections or ()]
            boxes = tuple(box_of(box, shape, f"{block.image}, labelled") for box in [*sections, *(block.labelled or ())])
        values = None if block.values is None else tuple((int(a), int(b)) for a, b in block.values.items())
        return cls(boxes, ignored_numbers(block.ignore), values)

    @property
    def nothing(self) -> bool:
        """Whether labels count nowhere, so that only predictions can fill the block."""
        return self.boxes == ()

    def apply(self, labels: NDArray[Any], region: Region, name: str) -> NDArray[Any]:
        """The file's numbers (z, y, x) of a region of the volume → class numbers, UNLABELLED where they do not count.

        Raises CellmlError for numbers that `values` does not know, naming them and their counts.
        """
        if self == LabelRules():
            return labels
        known = self._inside(region, labels.shape)
        for number in self.ignore:
            known &= labels != number
        return np.where(known, self._renamed(labels, known, name), UNLABELLED)

    def _inside(self, region: Region, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        if self.boxes is None:
            return np.ones(shape, bool)
        known = np.zeros(shape, bool)
        for box in self.boxes:
            part = tuple(slice(max(0, b.start - r.start), max(0, b.stop - r.start)) for b, r in zip(box, region, strict=True))
            known[part] = True
        return known

    def _renamed(self, labels: NDArray[Any], known: NDArray[np.bool_], name: str) -> NDArray[np.int64]:
        numbers = labels.astype(np.int64)
        if self.values is None:
            return numbers
        found, counts = np.unique(numbers[known], return_counts=True)
        unknown = {int(v): int(n) for v, n in zip(found, counts, strict=True) if int(v) not in dict(self.values)}
        if unknown:
            raise CellmlError(
                f"{name} holds {say_counts(unknown)}, which data.values ({dict(self.values)}) does not name. Add them there, "
                "or give data.ignore=NUMBER if it stands for voxels that nobody labelled."
            )
        renamed = np.zeros_like(numbers)
        for given, own in self.values:
            renamed[numbers == given] = own
        return renamed


def ignored_numbers(ignore: int | Sequence[int] | None) -> tuple[int, ...]:
    """What stands for unlabelled voxels, as users write it (a number, several, or None), as a tuple."""
    if ignore is None:
        return ()
    return (int(ignore),) if isinstance(ignore, int | float) else tuple(int(number) for number in ignore)


def box_of(region: Mapping[str, Sequence[int]], shape: Sequence[int], name: str) -> Region:
    """{axis: [start, stop]} as slices (z, y, x); an axis left out is taken whole.

    Raises CellmlError where it leaves a volume of this shape, naming axis and size.
    """
    slices = []
    for axis, size in zip("zyx", shape, strict=True):
        start, stop = region.get(axis) or (0, size)
        if not 0 <= start < stop <= size:
            raise CellmlError(
                f"{name}: region {axis}=[{start}, {stop}] does not lie inside the volume, which has {size} voxels along {axis}. "
                f"Training and validation take data.train=[{{region: {{{axis}: [START, STOP]}}}}] and data.val likewise."
            )
        slices.append(slice(int(start), int(stop)))
    unknown = set(region) - set("zyx")
    if unknown:
        raise CellmlError(f"{name}: the region names the axes {sorted(unknown)}; use z, y and x.")
    return (slices[0], slices[1], slices[2])


def where_labelled(labels: Any, rules: LabelRules, depth: int = 16) -> str:
    """In words, the box (z, y, x) of the volume that holds all labels above 0: what to say where a region has none."""
    z, y, x = labels.shape
    low, high = np.full(3, np.iinfo(np.int64).max), np.full(3, -1)
    for start in range(0, z, depth):
        region = (slice(start, min(start + depth, z)), slice(0, y), slice(0, x))
        found = np.argwhere(rules.apply(np.asarray(labels.read(region)).astype(np.int64), region, labels.name) > 0)
        if found.size:
            found[:, 0] += start
            low, high = np.minimum(low, found.min(axis=0)), np.maximum(high, found.max(axis=0) + 1)
    if high[0] < 0:
        return "The whole file has none. Choose another array."
    box = ", ".join(f"{axis} {a}–{b}" for axis, a, b in zip("zyx", low, high, strict=True))
    return (
        f"Its labels lie in {box}, outside of this region (in the guard band between blocks, it may be); "
        "move the region, or label inside it."
    )


def say_counts(counts: Mapping[int, int], most: int = 6) -> str:
    """Values and how many voxels have them, in words: "value 7 (12 voxels), value 9 (1 voxel)"."""
    words = [f"value {value} ({count:,} voxel{'s' if count != 1 else ''})" for value, count in list(counts.items())[:most]]
    return ", ".join(words) + (f" and {len(counts) - most} more" if len(counts) > most else "")
