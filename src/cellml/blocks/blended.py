"""The probabilities of a volume out of what its tiles contributed, read by region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.blocks.grid import Region
from cellml.blocks.manifest import Manifest
from cellml.blocks.request import Frame
from cellml.infer.tiles import Tile


@dataclass(frozen=True, eq=False)
class BlendedTiles:
    """channels: how many were kept; tiles: of the frame; manifest: of the prediction, whose files hold their contributions."""

    frame: Frame
    channels: int
    tiles: list[Tile]
    manifest: Manifest

    def read(self, region: Region) -> NDArray[np.float32]:
        """Probabilities (K, z, y, x) of a region inside the volume.

        Contributions are added in the order of the plan, which is that of `SlidingWindow.slabs`: the sums are the same to the last bit.
        """
        sums = np.zeros((self.channels, *(part.stop - part.start for part in region)), np.float32)
        for number, tile in enumerate(self.tiles):
            kept = tile.kept_in(self.frame.shape)
            meet = [slice(max(k.start, r.start), min(k.stop, r.stop)) for k, r in zip(kept, region, strict=True)]
            if any(part.start >= part.stop for part in meet):
                continue
            stored = np.load(self.manifest.path(number), mmap_mode="r", allow_pickle=False)
            here = tuple(slice(m.start - r.start, m.stop - r.start) for m, r in zip(meet, region, strict=True))
            there = tuple(slice(m.start - k.start, m.stop - k.start) for m, k in zip(meet, kept, strict=True))
            sums[(slice(None), *here)] += stored[(slice(None), *there)]
        return sums
