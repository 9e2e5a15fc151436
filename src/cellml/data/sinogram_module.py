"""The Lightning data module of sinogram filling: rows of tilt series with a gap, and of the whole half turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellml.data.blocks import OpenBlock
from cellml.data.sinogram_pairs import SinogramPairs, sinogram_pair
from cellml.data.wedge_module import WedgeDataModule
from cellml.errors import CellmlError


class SinogramDataModule(WedgeDataModule):
    """As `WedgeDataModule`, but what is damaged stays a tilt series: the network fills sinograms before anything is reconstructed.

    rows: slices across the tilt axis in one item, of cross-sections `section`; patch is not asked for. Tilt ranges and steps must be one,
    because items of a batch are stacked: half_range and step of `damage` name a single scheme, which only the noise varies.
    """

    def __init__(self, *, rows: int = 8, section: Any = (256, 256), **more: Any) -> None:
        super().__init__(patch=(section[0], rows, section[1]), section=section, per_slab=1, **more)
        self.rows = rows
        low, high = self.damage.half_range
        if rows < 1 or low != high or len(self.damage.step) != 1 or self.damage.slant:
            raise CellmlError(
                f"Sinograms are filled for one tilt scheme, and from at least one row; got rows={rows}, half_range={[low, high]}, "
                f"step={list(self.damage.step)}, slant={self.damage.slant}."
            )

    @property
    def contract(self) -> dict[str, Any]:
        """As for reconstructions, but the input is a tilt series: sinograms, and where they were measured."""
        return {**super().contract, "axes": "TILTS", "channels": 2}

    def patches(self) -> SinogramPairs:
        """Pairs of an epoch."""
        return SinogramPairs(self._train, self.rows, self.damage, self.patches_per_epoch, self.seed, self.section, self.cube, self.invert)

    def whole(self, block: OpenBlock) -> dict[str, Any]:
        """The sinograms of a whole validation block, made once, and its truth."""
        if block.name not in self._damaged:
            rng = np.random.default_rng([self.seed, 2, self._val.index(block)])
            truth, scheme = self.density(block), self.val_damage.draw(rng)
            self._damaged[block.name] = dict(sinogram_pair(truth, scheme, rng))
        return self._damaged[block.name]
