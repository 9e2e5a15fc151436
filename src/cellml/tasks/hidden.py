"""Which voxels of an image are hidden from a network that has to guess them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cellml.errors import CellmlError


class HiddenBlocks:
    """Blocks of voxels hidden at random (masked image modelling: He et al. 2022; for networks that see the whole image, Xie et al. 2022).

    block: (z, y, x) voxels; share: part of the blocks that is hidden; channels: of the image, which is also what is predicted. Blocks lie
    on a grid that begins anywhere. Small blocks can be interpolated from their surroundings and teach little; blocks of the size of the
    objects, and more than half of the image, make the network learn what objects look like.
    """

    kind = "hidden"

    def __init__(self, block: Sequence[int] = (1, 16, 16), share: float = 0.6, channels: int = 1) -> None:
        self.block, self.share, self.channels = tuple(int(b) for b in block), share, channels
        if len(self.block) != 3 or min(self.block) < 1 or not 0 < share < 1:
            raise CellmlError(f"Hidden blocks need three sizes of at least 1 and a share in (0, 1), got {list(block)} and {share}.")

    def hide(self, shape: Sequence[int], seed: Sequence[int]) -> Tensor:
        """Hidden voxels of a batch of images of shape (B, C, Z, Y, X): (B, 1, Z, Y, X) bool, the same for the same seed."""
        generator = torch.Generator().manual_seed(int(np.random.SeedSequence([int(s) for s in seed]).generate_state(1, np.uint32)[0]))
        masks = [self._one(tuple(shape[2:]), generator) for _ in range(shape[0])]
        return torch.stack(masks)[:, None]

    def activation(self, output: Tensor) -> Tensor:
        """Intensities as they are."""
        return output

    def _one(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """(Z, Y, X) bool: a grid one block larger than the image, cut at a random voxel."""
        grid = [-(-n // b) + 1 for n, b in zip(shape, self.block, strict=True)]
        cells = int(torch.tensor(grid).prod())
        lots = torch.randperm(cells, generator=generator).reshape(grid)
        hidden = lots < round(self.share * cells)
        for axis, b in enumerate(self.block):
            hidden = hidden.repeat_interleave(b, dim=axis)
            start = int(torch.randint(0, b, (1,), generator=generator))
            hidden = hidden.narrow(axis, start, shape[axis])
        return hidden
