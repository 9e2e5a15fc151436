"""Blocks of paired images: what a microscope saw, and the images that are to be predicted from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.blocks import Block
from cellml.data.normalisation import Normalisation
from cellml.data.planes import PlanesAsChannels
from cellml.errors import CellmlError
from cellml.types import Triple

Region = tuple[slice, slice, slice]


@dataclass(frozen=True)
class PairedBlock:
    """One box of an image and of its targets.

    image: a file or the name of a known data set; targets: {name, image} of each channel, the image (Z, Y, X), or (Y, X) for one section;
    region, spacing_nm as in Block, the spacing being the stack's; planes_as_channels: see PlanesAsChannels.
    """

    image: str
    targets: Sequence[Mapping[str, str]]
    region: Mapping[str, Sequence[int]] | None = None
    spacing_nm: Sequence[float] | None = None
    planes_as_channels: bool = False


class OpenPair:
    """A paired block whose files are open: normalised image and targets of any part of it, in the block's own voxel frame.

    Targets are in their own units until `scale_targets` is called. Raises CellmlError where image and targets differ in shape.
    """

    def __init__(self, block: PairedBlock, *, normalisation: str = "volume") -> None:
        from cellml.data.references import resolve
        from cellml.io.location import locate

        if not block.targets:
            raise CellmlError(f"{block.image} is paired with no target; give data.targets=[{{name: NAME, image: FILE}}].")
        if any(set(target) != {"name", "image"} for target in block.targets):
            raise CellmlError(f"Each target of {block.image} needs a name and an image, got {[dict(target) for target in block.targets]}.")
        self.block = block
        image, self.warning = resolve(block.image, "image")
        self._references = (image, {t["name"]: resolve(t["image"], "labels")[0] for t in block.targets})
        self.name = f"{block.image}{dict(block.region) if block.region else ''}"
        self.file = locate(image).path.resolve()
        self.reopen()
        for name, target in self._targets.items():
            if tuple(target.shape) != tuple(self._image.shape) or target.axes != "ZYX":
                raise CellmlError(
                    f"{block.image} has {tuple(self._image.shape)} voxels (z, y, x) but its target {name} has {tuple(target.shape)} with "
                    f"axes {target.axes}; they must be one grid (planes_as_channels=true makes one section of a stack)."
                )
        self.box = Block(block.image, region=block.region).box(self._image.shape)
        self.spacing: Triple = self._image.spacing
        self.origin: Triple = tuple(o + b.start * s for o, b, s in zip(self._image.origin, self.box, self.spacing, strict=True))  # type: ignore[assignment]
        self.normalisation = Normalisation.measure(self._image, method=normalisation, name=block.image)
        count = len(self._targets)
        self.shift, self.scale = np.zeros((count, 1, 1, 1), np.float32), np.ones((count, 1, 1, 1), np.float32)

    def reopen(self) -> None:
        """Open the files anew, as every loader process must."""
        from cellml.io import open_image

        image, targets = self._references
        spacing = list(self.block.spacing_nm) if self.block.spacing_nm else None
        opened = open_image(image, spacing_nm=spacing, spacing_key="data.spacing_nm")
        self._image: Any = PlanesAsChannels(opened) if self.block.planes_as_channels else opened
        self._targets = {name: _open_target(file, self._image.spacing) for name, file in targets.items()}

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
    def target_names(self) -> list[str]:
        """Channels to be predicted."""
        return list(self._targets)

    def read_image(self, region: Region | None = None) -> NDArray[np.float32]:
        """Normalised image, (C, z, y, x) float32."""
        return self.normalisation.apply(self._image.read(self._absolute(region)))

    def read_targets(self, region: Region | None = None) -> NDArray[np.float32]:
        """Targets in normalised units, (K, z, y, x) float32, NaN where nothing was measured."""
        part = self._absolute(region)
        stacked = np.stack([target.read(part) for target in self._targets.values()]).astype(np.float32)
        return np.asarray((stacked - self.shift) / self.scale, np.float32)

    def scale_targets(self, shift: Sequence[float], scale: Sequence[float]) -> None:
        """Give targets as (v − shift) / scale, one number a channel."""
        self.shift, self.scale = (np.asarray(values, np.float32)[:, None, None, None] for values in (shift, scale))

    def _absolute(self, region: Region | None) -> Region:
        if region is None:
            return self.box
        z, y, x = (slice(b.start + r.start, b.start + r.stop) for b, r in zip(self.box, region, strict=True))
        return (z, y, x)


def target_scaling(blocks: Sequence[OpenPair]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each target over all voxels of the (training) blocks, whose targets are still in their own units.

    Raises CellmlError for a target that is constant there.
    """
    values = [block.read_targets().reshape(len(block.target_names), -1).astype(np.float64) for block in blocks]
    together = np.concatenate(values, axis=1)
    mean, deviation = np.nanmean(together, axis=1), np.nanstd(together, axis=1)
    for name, spread, level in zip(blocks[0].target_names, deviation, mean, strict=True):
        if not spread > 1e-12 * abs(level):
            raise CellmlError(f"The target {name} is constant ({level:g}) in the training blocks; there is nothing to learn from it.")
    return mean.tolist(), deviation.tolist()


def _open_target(file: str, spacing: Triple) -> Any:
    """A target, a 2D image as a volume of one section."""
    from cellml.io import open_image

    try:
        return open_image(file, spacing_nm=list(spacing))
    except CellmlError:
        return open_image(file, spacing_nm=list(spacing), axes="YX")
