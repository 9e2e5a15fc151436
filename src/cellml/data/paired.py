"""Blocks of paired images: what a microscope saw, and the images that are to be predicted from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.image_box import ImageBox
from cellml.data.labelled import Region
from cellml.data.planes import PlanesAsChannels
from cellml.errors import CellmlError
from cellml.types import Triple


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


class OpenPair(ImageBox):
    """A paired block whose files are open: normalised image and targets of any part of it, in the block's own voxel frame.

    Targets are in their own units until `scale_targets` is called. Raises CellmlError where image and targets differ in shape.
    """

    def __init__(self, block: PairedBlock, *, normalisation: str = "volume") -> None:
        from cellml.data.references import resolve

        if not block.targets:
            raise CellmlError(f"{block.image} is paired with no target; give data.targets=[{{name: NAME, image: FILE}}].")
        if any(set(target) != {"name", "image"} for target in block.targets):
            raise CellmlError(f"Each target of {block.image} needs a name and an image, got {[dict(target) for target in block.targets]}.")
        self.block = block
        self._target_files = {t["name"]: resolve(t["image"], "labels")[0] for t in block.targets}
        super().__init__(block.image, block.region, normalisation)
        count = len(self._targets)
        self.shift, self.scale = np.zeros((count, 1, 1, 1), np.float32), np.ones((count, 1, 1, 1), np.float32)

    def check(self) -> None:
        """Raise CellmlError where image and targets differ in shape."""
        for name, target in self._targets.items():
            if tuple(target.shape) != tuple(self._image.shape) or target.axes != "ZYX":
                raise CellmlError(
                    f"{self.block.image} has {tuple(self._image.shape)} voxels (z, y, x) but its target {name} has {tuple(target.shape)} "
                    f"with axes {target.axes}; they must be one grid (data.planes_as_channels=true makes one section of a stack)."
                )

    def reopen(self) -> None:
        """Open image and targets anew."""
        from cellml.io import open_image

        spacing = list(self.block.spacing_nm) if self.block.spacing_nm else None
        opened = open_image(self._reference, spacing_nm=spacing, spacing_key="data.spacing_nm")
        self._image: Any = PlanesAsChannels(opened) if self.block.planes_as_channels else opened
        self._targets = {name: _open_target(file, self._image.spacing) for name, file in self._target_files.items()}

    @property
    def target_names(self) -> list[str]:
        """Channels to be predicted."""
        return list(self._targets)

    def read_targets(self, region: Region | None = None) -> NDArray[np.float32]:
        """Targets in normalised units, (K, z, y, x) float32, NaN where nothing was measured."""
        part = self._absolute(region)
        stacked = np.stack([target.read(part) for target in self._targets.values()]).astype(np.float32)
        return np.asarray((stacked - self.shift) / self.scale, np.float32)

    def scale_targets(self, shift: Sequence[float], scale: Sequence[float]) -> None:
        """Give targets as (v − shift) / scale, one number a channel."""
        self.shift, self.scale = (np.asarray(values, np.float32)[:, None, None, None] for values in (shift, scale))


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
