"""Taubin's filter: smoothing that does not shrink."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch
from cellml.meshops.laplacians import distance_laplacian, row_sums


@backend.instead_of(backend.taubin_smoothing)
def taubin_smoothing(batch: MeshBatch, steps: int = 10, shrink: float = 0.53, inflate: float = -0.53) -> MeshBatch:
    """A step λ = `shrink` towards the weighted mean of the neighbours, then μ = `inflate` < 0 away from it, `steps` times.

    v ← v + λ (Σ_j w_ij v_j / Σ_j w_ij − v), w_ij = 1/‖v_i − v_j‖ of the current vertices; then the same with μ (Taubin 1995). The pair
    passes low frequencies and damps high ones. Vertices without neighbours stay. Differentiable. Raises CellmlError unless λ > 0 > μ.
    """
    if steps < 0 or not shrink > 0 > inflate:
        raise CellmlError(
            f"Taubin smoothing takes steps ≥ 0 and shrink > 0 > inflate, got steps={steps}, shrink={shrink}, inflate={inflate}."
        )
    centred = batch.centred()
    moved = centred.vertices
    for _ in range(steps):
        for share in (shrink, inflate):
            moved = moved + share * _towards_neighbours(batch.with_vertices(moved))
    return batch.with_vertices(moved + (batch.vertices - centred.vertices).detach())


def _towards_neighbours(batch: MeshBatch) -> Tensor:
    weights = distance_laplacian(batch)
    total = row_sums(weights)
    mean = (weights @ batch.vertices) / torch.where(total > 0, total, 1.0)
    return torch.where(total > 0, mean - batch.vertices, 0.0)
