"""The sums from which the Rand and information scores of several sections follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.metrics.contingency import ContingencyTable


@dataclass(frozen=True)
class PairCounts:
    """Sums over the segments of a truth T, a prediction S and their intersections, in pixels; they add up over sections with `+`.

    Segments of different sections are different segments, whatever their numbers. pixels: pixels scored, those with truth > 0;
    line_pixels: those of them that the prediction leaves at 0, each of which counts as a segment of its own; squares: Σ n²; logs:
    Σ n log2 n; both in the order (intersections, prediction, truth).
    """

    pixels: int = 0
    line_pixels: int = 0
    squares: tuple[int, int, int] = (0, 0, 0)
    logs: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @classmethod
    def from_table(cls, table: ContingencyTable) -> PairCounts:
        """Of one section, from its contingency table; voxels with truth 0 are left out."""
        scored = table.labelled()
        ordinary = scored.prediction > 0
        segments = ContingencyTable(scored.truth[ordinary], scored.prediction[ordinary], scored.counts[ordinary])
        lines = scored.voxels - segments.voxels
        sizes = (segments.counts, segments.prediction_sizes[1], scored.truth_sizes[1])
        squares = [_squares(one) + extra for one, extra in zip(sizes, (lines, lines, 0), strict=True)]
        logs = [_logs(one) for one in sizes]
        return cls(scored.voxels, lines, (squares[0], squares[1], squares[2]), (logs[0], logs[1], logs[2]))

    def __add__(self, other: PairCounts) -> PairCounts:
        squares = [a + b for a, b in zip(self.squares, other.squares, strict=True)]
        logs = [a + b for a, b in zip(self.logs, other.logs, strict=True)]
        return PairCounts(
            self.pixels + other.pixels,
            self.line_pixels + other.line_pixels,
            (squares[0], squares[1], squares[2]),
            (logs[0], logs[1], logs[2]),
        )

    def v_rand(self) -> tuple[float, float, float]:
        """V_rand, its split score Σ n_ij²/Σ t_i² and its merge score Σ n_ij²/Σ s_j², 0 to 1, 1 is perfect; NaN without pixels.

        V_rand = Σ n_ij² / (½ Σ s_j² + ½ Σ t_i²), the harmonic mean of the other two (Arganda-Carreras et al. 2015,
        doi:10.3389/fnana.2015.00142).
        """
        joint, prediction, truth = self.squares
        if not self.pixels:
            return float("nan"), float("nan"), float("nan")
        return 2 * joint / (prediction + truth), joint / truth, joint / prediction

    def v_info(self) -> tuple[float, float, float]:
        """V_info, its split score I(S; T)/H(S) and its merge score I(S; T)/H(T), 0 to 1, 1 is perfect; NaN without pixels.

        V_info = I(S; T) / (½ H(S) + ½ H(T)) (Arganda-Carreras et al. 2015). Where S or T is one single segment, the score that would divide
        by its entropy is 1, and V_info is 1 only if both are.
        """
        if not self.pixels:
            return float("nan"), float("nan"), float("nan")
        joint, prediction, truth = (np.log2(self.pixels) - one / self.pixels for one in self.logs)
        shared = max(prediction + truth - joint, 0.0)
        split, merge = (shared / one if one > 1e-12 else 1.0 for one in (prediction, truth))
        total = prediction + truth
        return float(2 * shared / total if total > 1e-12 else 1.0), float(split), float(merge)


def _squares(sizes: NDArray[np.int64]) -> int:
    """Σ n² as an exact integer: int64 holds it up to segments of three thousand million voxels, and Python's integers beyond."""
    return sum(int(size) ** 2 for size in sizes) if sizes.size and sizes.max() > 2**24 else int((sizes * sizes).sum())


def _logs(sizes: NDArray[np.int64]) -> float:
    ordered = np.sort(sizes[sizes > 0])  # sorted: the sum must not depend on how segments are numbered
    return float((ordered * np.log2(ordered)).sum())
