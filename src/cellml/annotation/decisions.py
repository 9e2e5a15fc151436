"""What several annotators said, counted: how often each combination of their decisions occurs.

Fusion and agreement depend on nothing else, so that a gigavoxel becomes a table of some dozen rows, and tables of blocks add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Decisions:
    """Counts of voxels by what each of J annotators decided.

    classes: label of each class, ascending (L,); annotators: J; codes: (P,) int64, ascending, one for each combination that occurs;
    counts: (P,) voxels. Digit j of a code in base L + 1 is the class index that annotator j chose, L where it labelled nothing.
    """

    classes: NDArray[np.int64]
    annotators: int
    codes: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def none(cls, classes: Sequence[int], annotators: int) -> Decisions:
        """No voxel counted yet. Raises CellmlError where the combinations would not fit 63 bits."""
        if annotators * np.log2(len(classes) + 1) >= 63:
            raise CellmlError(f"{annotators} annotators with {len(classes)} classes have too many combinations; fuse fewer at once.")
        empty = np.zeros(0, np.int64)
        return cls(np.sort(np.asarray(classes, np.int64)), annotators, empty, empty)

    def update(self, labels: Sequence[NDArray[np.integer]], ignore: int | None = None) -> Decisions:
        """These counts with one more block: labels of each annotator, arrays of one shape; `ignore`: the label of what was not labelled.

        Raises CellmlError for a label that is no class.
        """
        codes, counts = np.unique(self.encoded(labels, ignore), return_counts=True)
        return self + Decisions(self.classes, self.annotators, codes, counts.astype(np.int64))

    def encoded(self, labels: Sequence[NDArray[np.integer]], ignore: int | None = None) -> NDArray[np.int64]:
        """The code of each voxel, in the shape of the labels."""
        code = np.zeros(np.shape(labels[0]), np.int64)
        for annotator, own in enumerate(labels):
            index = np.minimum(np.searchsorted(self.classes, own), len(self.classes) - 1)
            unknown = np.zeros(own.shape, bool) if ignore is None else own == ignore
            strange = (self.classes[index] != own) & ~unknown
            if strange.any():
                raise CellmlError(
                    f"Annotator {annotator + 1} used the label {int(own[strange][0])}, but the classes are {self.classes.tolist()}."
                )
            code += np.where(unknown, len(self.classes), index) * (len(self.classes) + 1) ** annotator
        return code

    def __add__(self, other: Decisions) -> Decisions:
        codes, inverse = np.unique(np.concatenate([self.codes, other.codes]), return_inverse=True)
        counts = np.zeros(codes.size, np.int64)
        np.add.at(counts, inverse, np.concatenate([self.counts, other.counts]))
        return Decisions(self.classes, self.annotators, codes, counts)

    @property
    def patterns(self) -> NDArray[np.int64]:
        """Class index that each annotator chose in each combination, (P, J); UNKNOWN where it labelled nothing."""
        base = len(self.classes) + 1
        digits = self.codes[:, None] // base ** np.arange(self.annotators) % base
        return np.where(digits == len(self.classes), UNKNOWN, digits)

    def of(self, annotators: Sequence[int]) -> Decisions:
        """The same voxels by the decisions of some of the annotators only."""
        codes, inverse = np.unique(self.codes_of(annotators), return_inverse=True)
        counts = np.zeros(codes.size, np.int64)
        np.add.at(counts, inverse, self.counts)
        return Decisions(self.classes, len(annotators), codes, counts)

    def codes_of(self, annotators: Sequence[int]) -> NDArray[np.int64]:
        """The code that each combination here has in `of(annotators)`, (P,)."""
        base = len(self.classes) + 1
        digits = self.codes[:, None] // base ** np.asarray(annotators) % base
        return np.asarray((digits * base ** np.arange(len(annotators))).sum(axis=1))
