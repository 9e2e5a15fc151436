"""Taubin's filter: smoothing that does not shrink."""

from __future__ import annotations

from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch
from cellml.meshops.laplacians import over, pull, sum_over_edges
from cellml.meshops.regularisers import edge_lengths


def taubin_smoothing(batch: MeshBatch, steps: int = 10, shrink: float = 0.53, inflate: float = -0.53) -> MeshBatch:
    """A step λ = `shrink` towards the weighted mean of the neighbours, then μ = `inflate` < 0 away from it, `steps` times.

    v ← v + λ (Σ_j w_ij v_j / Σ_j w_ij − v), w_ij = 1/‖v_i − v_j‖ of the current vertices; then the same with μ (Taubin 1995). The pair
    passes low frequencies and damps high ones. Vertices without neighbours stay. Differentiable. Raises CellmlError unless λ > 0 > μ.
    """
    if steps < 0 or not shrink > 0 > inflate:
        raise CellmlError(
            f"Taubin smoothing takes steps ≥ 0 and shrink > 0 > inflate, got steps={steps}, shrink={shrink}, inflate={inflate}."
        )
    return _smoothed(batch, steps, shrink, inflate)


@backend.instead_of(backend.taubin_smoothing)
def _smoothed(batch: MeshBatch, steps: int, shrink: float, inflate: float) -> MeshBatch:
    """`taubin_smoothing` with factors that were checked."""
    centred = batch.centred()  # or each step would round to the digits that float32 has at 10⁴ nm
    moved = centred
    for _ in range(steps):
        for share in (shrink, inflate):
            moved = moved.with_vertices(moved.vertices + share * _towards_neighbours(moved))
    return batch.with_vertices(moved.vertices + (batch.vertices - centred.vertices).detach())


def _towards_neighbours(batch: MeshBatch) -> Tensor:
    """Mean of the neighbours, weighted by closeness, minus the vertex, (V, 3); 0 without neighbours."""
    weights = 1 / (edge_lengths(batch) + 1e-12)
    return over(pull(batch, weights), sum_over_edges(batch, weights))
