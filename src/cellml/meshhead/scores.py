"""Scores of compartments at points: the label of a point is that of the largest score."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.errors import CellmlError


def scores_of_distances(distances: Tensor) -> Tensor:
    """Signed distances to compartments 1 … K, negative inside, (K, V) → scores (1 + K, V): 0 outside, and −d for each compartment.

    A point belongs to the compartment that it lies deepest in, and to none where all distances are positive or zero. Between two
    compartments a and b that touch, s_a − s_b = d_b − d_a is zero on their interface.
    """
    if distances.ndim != 2 or len(distances) == 0:
        raise CellmlError(f"Distances must be (compartments, points), at least one compartment, got {tuple(distances.shape)}.")
    return torch.cat([torch.zeros_like(distances[:1]), -distances])


def labels_of(scores: Tensor) -> Tensor:
    """The label of each point, (V,) int64: of the largest score, the lowest label where scores are equal. scores: (K, V).

    Raises CellmlError where a score is not a finite number.
    """
    if scores.ndim != 2 or len(scores) < 2:
        raise CellmlError(f"Scores must be (labels, points) with at least two labels, got {tuple(scores.shape)}.")
    if not torch.isfinite(scores).all():
        bad = int((~torch.isfinite(scores)).any(0).sum())
        raise CellmlError(f"The scores of {bad} of {scores.shape[1]} points are not finite numbers; was the network trained to the end?")
    numbers = torch.arange(len(scores), device=scores.device)[:, None]
    return torch.where(scores == scores.amax(0), numbers, len(scores)).amin(0)
