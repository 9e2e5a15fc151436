"""Between packed tensors (one mesh after the other) and padded ones (a row of equal length for each mesh)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cellml.errors import CellmlError


def packed_to_padded(values: Tensor, counts: Sequence[int], fill: float = 0) -> Tensor:
    """(S, …) with S = Σ counts → (N, max count, …), `fill` behind the shorter ones. Raises CellmlError where S is another number."""
    _check(len(values), counts)
    padded = values.new_full((len(counts), max(counts, default=0), *values.shape[1:]), fill)
    return padded.index_put((_rows(counts, values.device)), values) if len(values) else padded


def padded_to_packed(values: Tensor, counts: Sequence[int]) -> Tensor:
    """(N, P, …) → (Σ counts, …), the first count rows of each. Raises CellmlError where a count is more than P."""
    if len(values) != len(counts) or max(counts, default=0) > values.shape[1]:
        raise CellmlError(f"A padded tensor {tuple(values.shape)} cannot hold {len(counts)} meshes of up to {max(counts, default=0)} rows.")
    return values[_rows(counts, values.device)]


def mean_over_meshes(values: Tensor, mesh: Tensor, count: int) -> Tensor:
    """Mean over N = `count` meshes of each mesh's mean, scalar: Σ_n (1/S_n) Σ values / N; a mesh without values adds 0.

    values: (S,), mesh: (S,) which mesh each belongs to. Each mesh has the same weight, however fine it is.
    """
    sizes = torch.bincount(mesh, minlength=count).clamp(min=1).to(values.dtype)
    return (values / sizes[mesh]).sum() / max(count, 1)


def sum_by_mesh(values: Tensor, mesh: Tensor, count: int) -> Tensor:
    """(S,) values of items of meshes (S,) → (N,) sums."""
    return values.new_zeros(count).index_add(0, mesh, values)


def _check(total: int, counts: Sequence[int]) -> None:
    if total != sum(counts):
        raise CellmlError(f"{total} packed rows were given for counts {tuple(counts)}, which add up to {sum(counts)}.")


def _rows(counts: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
    sizes = torch.tensor(list(counts), dtype=torch.int64, device=device)
    mesh = torch.repeat_interleave(torch.arange(len(sizes), device=device), sizes)
    return mesh, torch.arange(int(sizes.sum()), device=device) - (sizes.cumsum(0) - sizes)[mesh]
