"""How well annotators agree: the ceiling for what a method that learns from them can be shown to reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.annotation.decisions import UNKNOWN, Decisions
from cellml.annotation.staple import Consensus
from cellml.metrics.confusion import ClassScores, ConfusionCounts


@dataclass(frozen=True)
class Overlap:
    """Dice and IoU of two labellings, a mean over the classes above background that either of them uses, and of each class."""

    dice: float
    iou: float
    classes: dict[int, ClassScores]


@dataclass(frozen=True)
class Agreement:
    """pairs: overlap of annotators (a, b); left_out: overlap of each annotator with the consensus of the others."""

    pairs: dict[tuple[int, int], Overlap]
    left_out: tuple[Overlap, ...]

    @property
    def ceiling(self) -> dict[str, float]:
        """What one more careful person reaches: mean Dice and IoU of each annotator against the others, and of pairs; NaN for none."""
        pairs = list(self.pairs.values())
        return {
            "dice": _mean([o.dice for o in self.left_out]),
            "iou": _mean([o.iou for o in self.left_out]),
            "pair_dice": _mean([o.dice for o in pairs]),
            "pair_iou": _mean([o.iou for o in pairs]),
        }


def agreement(decisions: Decisions, fuse: Callable[[Decisions], Consensus]) -> Agreement:
    """Compare every two annotators, and each with the consensus of all others, over the voxels that both sides labelled.

    Ties of the others' consensus are left out. With two annotators the consensus of the others is the other; with three it is one of two
    people, of whom no method can tell who is right, so that the pairs say more.
    """
    patterns = decisions.patterns
    pairs = {(a, b): _overlap(decisions, patterns[:, a], patterns[:, b]) for a, b in combinations(range(decisions.annotators), 2)}
    left_out = []
    for own in range(decisions.annotators):
        others = [other for other in range(decisions.annotators) if other != own]
        consensus = fuse(decisions.of(others))
        truth = consensus.chosen[np.searchsorted(consensus.decisions.codes, decisions.codes_of(others))]
        left_out.append(_overlap(decisions, truth, patterns[:, own]))
    return Agreement(pairs, tuple(left_out))


def _overlap(decisions: Decisions, truth: NDArray[np.int64], said: NDArray[np.int64]) -> Overlap:
    known = (truth != UNKNOWN) & (said != UNKNOWN)
    matrix = np.zeros((len(decisions.classes),) * 2, np.int64)
    np.add.at(matrix, (truth[known], said[known]), decisions.counts[known])
    scores = dict(zip(decisions.classes.tolist(), ConfusionCounts(matrix).scores(), strict=True))
    above: dict[str, Any] = {key: [getattr(s, key) for c, s in scores.items() if c != 0 and np.isfinite(s.dice)] for key in ("dice", "iou")}
    return Overlap(_mean(above["dice"]), _mean(above["iou"]), scores)


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
