"""Pairs of sinograms with a gap and without, made on the fly from undamaged volumes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from cellml.data.blocks import OpenBlock
from cellml.data.sinogram_grid import SinogramGrid, sinogram_grid
from cellml.data.wedge_damage import TiltScheme, WedgeDamage, clean_projections, noisy_projections, standardised
from cellml.data.wedge_pairs import WedgePairs

Sample = dict[str, torch.Tensor]


class SinogramPairs(Dataset[Sample]):
    """Rows of slabs as a pure function of (seed, number).

    blocks, section, damage, cube, invert as in `WedgePairs`; rows: slices across the tilt axis in one item. Item `epoch * length + index`
    is what `sinogram_pair` makes of one slab.
    """

    def __init__(
        self,
        blocks: Sequence[OpenBlock],
        rows: int,
        damage: WedgeDamage,
        length: int,
        seed: int,
        section: Sequence[int],
        cube: bool,
        invert: bool = False,
    ) -> None:
        self.blocks, self.damage, self.length, self.seed = list(blocks), damage, length, seed
        # The largest square that fits every orientation: all items are of one size, so that they stack.
        side = [min(size, min(n for block in blocks for n in block.shape)) for size in section]
        self.slabs = WedgePairs(blocks, (side[0], rows, side[1]), damage, length, seed, side, 1, cube, invert)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> Sample:
        rng = np.random.default_rng([self.seed, 3, int(number)])
        return sinogram_pair(self.slabs.specimen(rng), self.damage.draw(rng), rng)


def shown(series: NDArray[np.float32], grid: SinogramGrid) -> NDArray[np.float32]:
    """What the filling network sees of projections (N, Y, W): (2, Y, M, W), the sinograms and 1 where they were measured."""
    sinograms = grid.place(series)
    return np.stack([sinograms, np.broadcast_to(grid.measured[None, :, None], sinograms.shape).astype(np.float32)])


def sinogram_pair(truth: NDArray[np.float32], scheme: TiltScheme, rng: np.random.Generator) -> Sample:
    """What a tilt series of a slab (Z, Y, X) shows, and what a whole half turn would have shown.

    Returns {"image": (2, Y, M, W) noisy measured sinograms (0 where missing) and 1 where measured, "sinogram": (1, Y, M, W) noise-free,
    "tilts": (M,) degrees, "labels": (1, Z, Y, X) truth, "wedge", "snr"}, float32. Sinograms are divided by the deviation of the measured
    ones, the truth by its own.
    """
    truth = standardised(truth)
    series = noisy_projections(truth, scheme, rng)
    grid = sinogram_grid(scheme.tilts)
    whole = clean_projections(truth, grid.tilts)
    unit = np.float32(max(float(series.std(dtype=np.float64)), 1e-12))
    return {
        "image": torch.from_numpy(shown(series / unit, grid)),
        "sinogram": torch.from_numpy(np.ascontiguousarray(whole.transpose(1, 0, 2)) / unit)[None],
        "tilts": torch.from_numpy(grid.tilts),
        "labels": torch.from_numpy(truth)[None],
        "wedge": torch.tensor([scheme.low, scheme.high, scheme.step], dtype=torch.float32),
        "snr": torch.tensor(scheme.snr, dtype=torch.float32),
    }
