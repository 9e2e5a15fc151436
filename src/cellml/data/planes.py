"""A stack of focal planes seen as the channels of one section."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Triple


class PlanesAsChannels:
    """An opened image (Z, Y, X) presented as (C, 1, Y, X): every plane a channel, and one section as thick as the whole stack.

    What a 2D network needs that looks through a stack and answers with one projected image. image: what `cellml.io.open_image` returns.
    Raises CellmlError for an image with channels or times.
    """

    axes = "CZYX"
    frames = 1

    def __init__(self, image: Any) -> None:
        if image.axes != "ZYX":
            raise CellmlError(f"{image.name} has the axes {image.axes}; only the planes of a stack (Z, Y, X) can be taken as channels.")
        depth, height, width = image.shape
        self._image, self.name, self.dtype, self.origin = image, image.name, image.dtype, image.origin
        self.shape = (1, height, width)
        self.full_shape = (depth, 1, height, width)
        self.channels = tuple(f"plane {z}" for z in range(depth))
        self.spacing: Triple = (image.spacing[0] * depth, image.spacing[1], image.spacing[2])

    def read(self, region: Any = None) -> NDArray[Any]:
        """Voxels (C, 1, y, x) of a region (z, y, x) of the one section."""
        y, x = (slice(None), slice(None)) if region is None else region[-2:]
        _, height, width = self.shape
        planes = self._image.read((slice(0, len(self.channels)), _whole(y, height), _whole(x, width)))
        return np.asarray(planes)[:, None]


def _whole(part: slice, size: int) -> slice:
    return slice(part.start or 0, size if part.stop is None else part.stop)
