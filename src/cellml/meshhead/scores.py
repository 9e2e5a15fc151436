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


def scores_of_nested(distances: Tensor) -> Tensor:
    """Signed distances to surfaces of which later ones lie inside earlier ones, or beside them, (K, V) → scores (1 + K, V).

    Compartment k is what lies inside surface k and outside all later ones: d_k' = max(d_k, −d_{k+1}, …, −d_K), as in `scores_of_distances`.
    """
    if distances.ndim != 2 or len(distances) == 0:
        raise CellmlError(f"Distances must be (compartments, points), at least one compartment, got {tuple(distances.shape)}.")
    later = torch.flip(torch.cummin(torch.flip(distances, (0,)), 0).values, (0,))  # of this surface and all after it
    own = torch.cat([torch.maximum(distances[:-1], -later[1:]), distances[-1:]])
    return scores_of_distances(own)


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
