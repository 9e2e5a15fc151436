"""How often each pair (truth label, predicted label) occurs: the one statistic from which every overlap score follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError


def _no_ids() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class ContingencyTable:
    """Sparse counts n_ij of voxels with truth label i and predicted label j.

    truth, prediction, counts: (N,) int64, one entry a pair that occurs, sorted by truth and then prediction, so that equal statistics
    are equal tables whatever the blocks they were counted in. An empty table is the neutral element of `+`. All voxels are counted,
    those with truth 0 too; `labelled()` restricts the table to truth > 0.
    """

    truth: NDArray[np.int64] = field(default_factory=_no_ids)
    prediction: NDArray[np.int64] = field(default_factory=_no_ids)
    counts: NDArray[np.int64] = field(default_factory=_no_ids)

    @classmethod
    def from_labels(cls, truth: NDArray[Any], prediction: NDArray[Any], mask: NDArray[Any] | None = None) -> ContingencyTable:
        """Count two label arrays of one shape (any number of axes, integers ≥ 0), where `mask` (same shape) is true.

        Counts runs of constant pairs along the last axis first: labels are piecewise constant, so that only a few per cent of the voxels
        have to be sorted. Raises CellmlError where shapes disagree or labels are not integers.
        """
        truth, prediction = np.asarray(truth), np.asarray(prediction)
        for name, array in (("prediction", prediction), ("mask", mask)):
            if array is not None and np.shape(array) != truth.shape:
                raise CellmlError(f"Truth has shape {truth.shape}, {name} has shape {np.shape(array)}; they must cover the same voxels.")
        t, p = _flat_ids(truth, "Truth"), _flat_ids(prediction, "Prediction")
        if mask is not None:
            keep = np.asarray(mask).reshape(-1) != 0
            t, p = t[keep], p[keep]
        if t.size == 0:
            return cls()
        starts = np.flatnonzero(np.concatenate(([True], (t[1:] != t[:-1]) | (p[1:] != p[:-1]))))
        lengths = np.diff(np.append(starts, t.size))
        return _summed(t[starts].astype(np.int64), p[starts].astype(np.int64), lengths)

    def update(self, truth: NDArray[Any], prediction: NDArray[Any], mask: NDArray[Any] | None = None) -> ContingencyTable:
        """Return this table with one more block counted in; arguments as in `from_labels`."""
        return self + ContingencyTable.from_labels(truth, prediction, mask)

    def __add__(self, other: ContingencyTable) -> ContingencyTable:
        if not other.counts.size:
            return self
        return _summed(
            np.concatenate([self.truth, other.truth]),
            np.concatenate([self.prediction, other.prediction]),
            np.concatenate([self.counts, other.counts]),
        )

    def labelled(self) -> ContingencyTable:
        """The part with truth > 0; prediction 0 stays in as one ordinary segment."""
        keep = self.truth > 0
        return ContingencyTable(self.truth[keep], self.prediction[keep], self.counts[keep])

    def transposed(self) -> ContingencyTable:
        """Truth and prediction exchanged."""
        return _summed(self.prediction, self.truth, self.counts)

    @property
    def voxels(self) -> int:
        """Number of counted voxels."""
        return int(self.counts.sum())

    @cached_property
    def truth_sizes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Truth labels that occur, sorted, and the voxels of each; two (T,) int64 arrays."""
        return _marginal(self.truth, self.counts)

    @cached_property
    def prediction_sizes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Predicted labels that occur, sorted, and the voxels of each; two (P,) int64 arrays."""
        return _marginal(self.prediction, self.counts)


def _flat_ids(labels: NDArray[Any], name: str) -> NDArray[Any]:
    if labels.dtype != bool and not np.issubdtype(labels.dtype, np.integer):
        raise CellmlError(f"{name} labels have dtype {labels.dtype}; labels are counted by identity and must be integers.")
    if labels.dtype == np.uint64 and labels.size and labels.max() > np.iinfo(np.int64).max:
        raise CellmlError(f"{name} holds the label {labels.max()}, which is above 2^63 - 1; relabel it to smaller numbers.")
    return labels.reshape(-1)


def _summed(truth: NDArray[np.int64], prediction: NDArray[np.int64], counts: NDArray[np.int64]) -> ContingencyTable:
    """Entries of the same pair added up, in canonical order."""
    if not counts.size:
        return ContingencyTable()
    if truth.min() >= 0 and prediction.min() >= 0 and (int(truth.max()) + 1) * (int(prediction.max()) + 1) < 2**63:
        order = np.argsort(truth * (int(prediction.max()) + 1) + prediction, kind="stable")
    else:
        order = np.lexsort((prediction, truth))
    truth, prediction, counts = truth[order], prediction[order], counts[order]
    new = np.concatenate(([True], (truth[1:] != truth[:-1]) | (prediction[1:] != prediction[:-1])))
    starts = np.flatnonzero(new)
    return ContingencyTable(truth[starts], prediction[starts], np.add.reduceat(counts, starts).astype(np.int64))


def _marginal(ids: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    labels, inverse = np.unique(ids, return_inverse=True)
    sizes = np.zeros(labels.size, np.int64)
    np.add.at(sizes, inverse, counts)  # exact for any size, where bincount's float weights are not
    return labels, sizes
