"""Models ranked twice, by overlap with the truth and by the simulated answer, and where the two disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]

# Scores of which a lower one is better; of all others (dice, iou, precision …) a higher one is.
LOWER_IS_BETTER = ("error", "voi", "cremi_score", "assd", "hausdorff", "chamfer", "distance", "loss", "rmse", "mse", "mae", "lpips")

FEWEST_FOR_TAU = 3  # entries: of two there is one pair, and τ says no more than whether they change places
_FEWEST_PAIRS = 4


@dataclass(frozen=True)
class Entry:
    """A model, a checkpoint or a condition. overlap: its score against the true voxels; error: of its simulated answers, relative, the
    median over objects with failures counted as 1; objects: how many.
    """

    name: str
    overlap: float
    error: float
    objects: int = 0


@dataclass(frozen=True)
class Ranked:
    """An entry with its ranks from 1, the best; ties share the mean of their ranks; disagrees: with how many entries it changes places."""

    entry: Entry
    overlap_rank: float
    error_rank: float
    disagrees: int


@dataclass(frozen=True)
class Leaderboard:
    """rows: by simulated error, the best first; tau: Kendall's τ-b between the two rankings, 1 where they agree, NaN for two entries, with
    the ends of its interval, NaN where fewer than four pairs are untied in both; pairs: how many pairs differ by more than the margins in
    both; disagreements: (better in overlap, better in the answer).
    """

    score: str
    rows: tuple[Ranked, ...]
    tau: float
    tau_low: float
    tau_high: float
    pairs: int
    disagreements: tuple[tuple[str, str], ...]


def lower_is_better(score: str) -> bool:
    """Whether a score is an error, by its name."""
    return any(name in score for name in LOWER_IS_BETTER)


def leaderboard(
    entries: Sequence[Entry], score: str, *, overlap_margin: float = 0.005, error_margin: float = 0.02, draws: int = 1000, seed: int = 0
) -> Leaderboard:
    """Rank entries by overlap and by simulated error.

    score: the name of the overlap, which says whether lower is better; overlap_margin, error_margin: differences that count: a pair
    disagrees where one is better in overlap by more than the first, and worse in the answer by more than the second; the interval of τ
    holds 90 % of bootstrap draws of entries. Raises CellmlError for fewer than two entries with both numbers.
    """
    known = [e for e in entries if np.isfinite(e.overlap) and np.isfinite(e.error)]
    if len(known) < 2:
        raise CellmlError(f"A leaderboard needs two entries with an overlap and a simulated error, got {len(known)} of {len(entries)}.")
    sign = 1.0 if lower_is_better(score) else -1.0
    loss, error = sign * np.array([e.overlap for e in known]), np.array([e.error for e in known])
    worse_overlap = loss[:, None] - loss[None] > overlap_margin
    worse_answer = error[:, None] - error[None] > error_margin
    swapped = worse_overlap.T & worse_answer  # [a, b]: a has the better overlap, b the better answer
    pairs = int(((worse_overlap | worse_overlap.T) & (worse_answer | worse_answer.T)).sum() // 2)
    ranks = _ranks(loss), _ranks(error)
    order = np.lexsort((loss, error))
    rows = tuple(Ranked(known[k], float(ranks[0][k]), float(ranks[1][k]), int(swapped[k].sum() + swapped[:, k].sum())) for k in order)
    tau = kendall_tau(loss, error) if len(known) >= FEWEST_FOR_TAU else float("nan")
    low, high = _interval(loss, error, draws, seed)
    named = tuple((known[a].name, known[b].name) for a, b in np.argwhere(swapped))
    return Leaderboard(score, rows, tau, low, high, pairs, named)


def kendall_tau(one: Floats, other: Floats) -> float:
    """τ-b = (concordant − discordant) / √((pairs − ties in one)(pairs − ties in the other)) (Kendall 1945); NaN where all are tied."""
    first, second = np.triu_indices(len(one), 1)
    a, b = np.sign(one[first] - one[second]), np.sign(other[first] - other[second])
    scale = np.sqrt(float((a != 0).sum()) * float((b != 0).sum()))
    return float((a * b).sum() / scale) if scale > 0 else float("nan")


def _interval(loss: Floats, error: Floats, draws: int, seed: int) -> tuple[float, float]:
    """90 % of bootstrap draws of τ; NaN where it rests on so few pairs that the draws repeat them."""
    first, second = np.triu_indices(len(loss), 1)
    if ((loss[first] != loss[second]) & (error[first] != error[second])).sum() < _FEWEST_PAIRS:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = [kendall_tau(loss[rows], error[rows]) for rows in (rng.integers(len(loss), size=len(loss)) for _ in range(draws))]
    told = [tau for tau in drawn if np.isfinite(tau)]  # where all that were drawn are tied there is none
    low, high = np.percentile(told, (5, 95)) if told else (np.nan, np.nan)
    return float(low), float(high)


def _ranks(values: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), np.float64)
