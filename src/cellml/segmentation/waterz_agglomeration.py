"""Hierarchical agglomeration of fragments by the affinity of their contact, with waterz."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.clean import clean
from cellml.segmentation.fragments import DistanceFragments, Fragments, check_affinities

# waterz ships these compiled; any other scoring function would need a C++ compiler and boost on the user's machine.
QUANTILES = (10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95)
SCORINGS = ("mean", *(f"quantile_{q}" for q in QUANTILES))


@dataclass(frozen=True)
class WaterzAgglomeration:
    """Merge neighbouring fragments, best first, while 1 − (affinity of their contact) < threshold.

    The affinity of a contact is the mean, or a quantile, of the nearest-neighbour affinities across it, and is updated after each merge
    (Funke et al. 2019, doi:10.1109/TPAMI.2018.2835450). threshold: 0 to 1, larger for fewer and larger objects; scoring: "mean" or
    "quantile_Q" with Q from 10 to 95 in steps of 5; fragments: what is merged; min_size: smaller objects (voxels) are absorbed by their
    strongest neighbour; max_enclosed: holes (of the mask too) and islands up to this size go to the one object that encloses them. Raises
    CellmlError for other values.
    """

    threshold: float = 0.35
    scoring: str = "quantile_75"
    fragments: Fragments = field(default_factory=DistanceFragments)
    min_size: int = 100
    max_enclosed: int = 0

    def __post_init__(self) -> None:
        _scoring_function(self.scoring)
        if not 0.0 <= self.threshold <= 1.0:
            raise CellmlError(f"The agglomeration threshold must lie in [0, 1], got {self.threshold}.")

    def __call__(
        self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """Objects (Z, Y, X) from affinities (K, Z, Y, X) in [0, 1]; 0 outside `mask` and in the background of the fragments."""
        check_affinities(affinities, offsets, mask)
        return next(self.sweep(affinities, self.fragments(affinities, offsets, mask), [self.threshold], offsets))

    def sweep(
        self, affinities: NDArray[Any], fragments: NDArray[np.uint32], thresholds: Sequence[float], offsets: Sequence[Sequence[int]]
    ) -> Iterator[NDArray[np.uint32]]:
        """Objects for each of increasing thresholds, all from one agglomeration of the given fragments."""
        import waterz

        nearest = np.ascontiguousarray(affinities[:3], dtype=np.float32)
        steps = waterz.agglomerate(
            nearest,
            sorted(thresholds),
            fragments=fragments.astype(np.uint64),
            scoring_function=_scoring_function(self.scoring),
        )
        for merged in _silent(steps):
            labels = merged.astype(np.uint32)  # a copy: waterz goes on merging in the same array
            yield clean(labels, nearest, self.min_size, self.max_enclosed)


def _scoring_function(scoring: str) -> str:
    """The C++ type that waterz knows a scoring by."""
    if scoring not in SCORINGS:
        raise CellmlError(f"There is no scoring {scoring!r}; choose one of {', '.join(SCORINGS)}.")
    if scoring == "mean":
        return "OneMinus<MeanAffinity<RegionGraphType, ScoreValue>>"
    return f"OneMinus<HistogramQuantileAffinity<RegionGraphType, {scoring.removeprefix('quantile_')}, ScoreValue, 256, false>>"


def _silent(steps: Iterator[Any]) -> Iterator[Any]:
    """The same steps without waterz's progress lines, which it writes to standard output, partly past Python."""
    while True:
        with _quiet_standard_output():
            step = next(steps, None)
        if step is None:
            return
        yield step


@contextlib.contextmanager
def _quiet_standard_output() -> Iterator[None]:
    c_library = ctypes.CDLL(None)
    sys.stdout.flush()
    c_library.fflush(None)
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        with contextlib.redirect_stdout(io.StringIO()):
            yield
        c_library.fflush(None)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
