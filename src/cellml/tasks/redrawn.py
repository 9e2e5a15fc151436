"""Codes drawn again in the place of those that make no body."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.errors import CellmlError

_TRIES = 20  # draws in the place of a code that makes no body


def redrawn(count: int, seed: int, draw: Callable[[int, int], Tensor], holds: Callable[[Tensor], NDArray[np.bool_]]) -> NDArray[np.float64]:
    """`count` codes (count, K) that make a body each.

    draw(count, seed): codes (count, K) as they come; holds(codes): which of them make a body, (N,). Codes that make none are drawn again
    with another seed. Raises CellmlError for a count below 1, and where too few codes make a body.
    """
    if count < 1:
        raise CellmlError(f"{count} shapes cannot be drawn; ask for one or more.")
    kept: list[Tensor] = []
    for turn in range(_TRIES):
        missing = count - sum(map(len, kept))
        if missing == 0:
            break
        codes = draw(missing, int(seed) + 1_000_003 * turn)
        kept.append(codes[torch.from_numpy(holds(codes)).to(codes.device)])
    found = torch.cat(kept).double().cpu().numpy()
    if len(found) < count:
        raise CellmlError(f"Only {len(found)} of {count} codes made a shape after {_TRIES} draws; train this generator longer.")
    return np.asarray(found)


def with_body(grids: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which grids (N, Z, Y, X), negative inside, have a voxel inside that is not on their border, (N,)."""
    return np.asarray((grids[:, 1:-1, 1:-1, 1:-1] < 0).any(axis=(1, 2, 3)))
