"""One box of one image, normalised: what blocks with labels and blocks with target images have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.labelled import Region, box_of
from cellml.data.normalisation import Normalisation
from cellml.errors import CellmlError
from cellml.types import Triple


class ImageBox(ABC):
    """A box whose image is open, in voxels of its own.

    image: a file or the name of a known data set; region: {axis: [start, stop]}, an axis left out is taken whole; normalisation: "volume"
    or "dtype". A subclass opens its files in `reopen`, the image as `_image`, and refuses in `check` what does not belong together.
    """

    _image: Any

    def __init__(self, image: str, region: Mapping[str, Sequence[int]] | None, normalisation: str) -> None:
        from cellml.data.references import resolve
        from cellml.io.location import locate

        self._reference, self.warning = resolve(image, "image")
        self.name = f"{image}{dict(region) if region else ''}"
        self.file = locate(self._reference).path.resolve()
        self.reopen()
        self.box = box_of(region or {}, self._image.shape[-3:], image)
        self.spacing: Triple = self._image.spacing
        self.origin: Triple = tuple(o + b.start * s for o, b, s in zip(self._image.origin, self.box, self.spacing, strict=True))  # type: ignore[assignment]
        self.check()
        self.normalisation = Normalisation.measure(self._image, method=normalisation, name=image)

    @abstractmethod
    def reopen(self) -> None:
        """Open the files anew, as every loader process must: an HDF5 file that two processes share gives wrong bytes."""

    @abstractmethod
    def check(self) -> None:
        """Raise CellmlError where the files do not belong together, or hold nothing to learn from."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        z, y, x = (s.stop - s.start for s in self.box)
        return (z, y, x)

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return len(self._image.channels) or 1

    @property
    def counting(self) -> tuple[Region, ...]:
        """The boxes, in voxels of the volume, whose labels count; the rest of the block is only looked at."""
        return (self.box,)

    def read_image(self, region: Region | None = None) -> NDArray[np.float32]:
        """Normalised image, (C, z, y, x) float32."""
        return self.normalisation.apply(self._image.read(self._absolute(region)))

    def _absolute(self, region: Region | None) -> Region:
        if region is None:
            return self.box
        z, y, x = (slice(b.start + r.start, b.start + r.stop) for b, r in zip(self.box, region, strict=True))
        return (z, y, x)


def require_alike(blocks: Sequence[ImageBox], *properties: str, remedy: str) -> None:
    """Raise CellmlError where blocks differ in one of these properties, naming each block's, and the remedy."""
    for what in properties:
        found = {block.name: getattr(block, what) for block in blocks}
        if len({str(value) for value in found.values()}) > 1:
            raise CellmlError(f"The blocks have different {what.replace('_', ' ')}: {found}; {remedy}")


def require_guard(train: Sequence[ImageBox], held_out: Sequence[ImageBox], guard: int, *, filled: bool = False) -> None:
    """Raise CellmlError if what counts in a held-out block comes closer than `guard` voxels to what counts in a training block of its file.

    filled: predictions will stand wherever nobody labelled the training blocks, which then count whole.
    """
    for a, b in product(train, held_out):
        if a.file != b.file:
            continue
        gap = min(
            (
                max(max(p.start - q.stop, q.start - p.stop) for p, q in zip(*pair, strict=True))
                for pair in product((a.box,) if filled else a.counting, b.counting)
            ),
            default=guard,
        )
        if gap < guard:
            raise CellmlError(
                f"{a.name} (training) and {b.name} (held out) are {max(gap, 0)} voxels apart, "
                f"and data.guard asks for {guard}; neighbouring voxels "
                "are correlated, so scores would flatter. Move one of the regions."
            )
