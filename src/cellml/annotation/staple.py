"""One labelling from several: majority vote, and STAPLE, which weighs each annotator by how reliable it turns out to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.annotation.decisions import UNKNOWN, Decisions
from cellml.errors import CellmlError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Consensus:
    """What the annotators agreed on, and how well each of them did by it.

    decisions: what was fused; weights: (P, L) probability of each class for each combination of decisions; chosen: (P,) class index,
    UNKNOWN where classes are tied or nobody labelled; confusion: (J, L, L) probability that annotator j says class s' (last axis) where the
    class is s, NaN where the class never occurs; iterations: of the expectation maximisation, 0 for a vote.
    """

    decisions: Decisions
    weights: Floats
    chosen: NDArray[np.int64]
    confusion: Floats
    iterations: int

    @property
    def sensitivity(self) -> Floats:
        """P(annotator j says s | the class is s), (J, L)."""
        return np.diagonal(self.confusion, axis1=1, axis2=2).copy()

    @property
    def specificity(self) -> Floats:
        """P(annotator j does not say s | the class is not s), (J, L); NaN where there is nothing else."""
        share = self.decisions.counts @ self.weights
        confusion = np.nan_to_num(self.confusion)
        found = np.full(confusion.shape[:2], np.nan)
        for s in range(len(share)):
            other = np.arange(len(share)) != s
            if share[other].sum() > 0:
                found[:, s] = 1.0 - confusion[:, other, s] @ share[other] / share[other].sum()
        return found


class MajorityVote:
    """The class that most annotators chose, each voxel by itself. Ties are left open."""

    def __call__(self, decisions: Decisions) -> Consensus:
        """Fuse. The weights are the shares of votes."""
        votes = _votes(decisions)
        weights = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
        chosen = _largest(votes)
        certain = np.zeros_like(weights)
        certain[chosen != UNKNOWN, chosen[chosen != UNKNOWN]] = 1.0
        return Consensus(decisions, weights, chosen, _confusion(decisions, certain), 0)


@dataclass(frozen=True)
class Staple:
    """Simultaneous truth and performance level estimation (Warfield, Zou & Wells 2004), with any number of classes.

    Expectation maximisation: W_s(i) ∝ π_s Π_j θ_j(d_ij | s), then θ_j(s' | s) = Σ_{i: d_ij = s'} W_s(i) / Σ_i W_s(i), where π_s is the
    share of class s among all decisions. What an annotator did not label leaves its factor out. Begins at the shares of votes and ends
    when no θ changes by more than `tolerance`. Raises CellmlError if `iterations` do not suffice.
    """

    tolerance: float = 1e-7
    iterations: int = 5000

    def __call__(self, decisions: Decisions) -> Consensus:
        """Fuse."""
        votes = _votes(decisions)
        weights = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
        prior = decisions.counts @ votes
        prior = prior / prior.sum()
        confusion = _confusion(decisions, weights)
        for number in range(1, self.iterations + 1):
            weights = _expected(decisions, prior, confusion)
            before, confusion = confusion, _confusion(decisions, weights)
            if np.nanmax(np.abs(confusion - before)) <= self.tolerance:
                chosen = np.where(votes.any(axis=1), _largest(weights), UNKNOWN)
                return Consensus(decisions, weights, chosen, confusion, number)
        change = float(np.nanmax(np.abs(confusion - before)))
        raise CellmlError(
            f"STAPLE did not settle within {self.iterations} iterations (the last change was {change:.2g}, asked for is "
            f"{self.tolerance:g}); allow more, or take the majority vote."
        )


def _votes(decisions: Decisions) -> Floats:
    """How many annotators chose each class in each combination, (P, L)."""
    return np.asarray((decisions.patterns[:, :, None] == np.arange(len(decisions.classes))).sum(axis=1), np.float64)


def _largest(values: Floats) -> NDArray[np.int64]:
    """Column of the single largest value of each row; UNKNOWN where several are equal to rounding."""
    best = values.max(axis=1, keepdims=True)
    single = (values >= best * (1 - 1e-9)).sum(axis=1) == 1
    return np.where(single, values.argmax(axis=1), UNKNOWN)


def _expected(decisions: Decisions, prior: Floats, confusion: Floats) -> Floats:
    """The E step, in logarithms: W (P, L)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.nan_to_num(np.log(confusion), nan=0.0, neginf=-745.0)  # the smallest logarithm that has an exponential
        total = np.tile(np.log(prior), (len(decisions.codes), 1))
    for annotator, said in enumerate(decisions.patterns.T):
        known = said != UNKNOWN
        total[known] += logs[annotator][:, said[known]].T
    weights = np.exp(total - total.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _confusion(decisions: Decisions, weights: Floats) -> Floats:
    """The M step: θ (J, L, L), rows the class, columns what was said."""
    classes = np.arange(len(decisions.classes))
    counted = decisions.counts[:, None] * weights
    said = (decisions.patterns[:, :, None] == classes).astype(np.float64)
    joint = np.einsum("ps,pjt->jst", counted, said)
    total = joint.sum(axis=2, keepdims=True)
    return np.where(total > 0, joint / np.where(total > 0, total, 1), np.nan)
