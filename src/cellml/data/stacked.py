"""Several files of one grid seen as the channels of one image, such as the two halves of a tomogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError


class StackedImages:
    """Opened images (Z, Y, X) presented as one (C, Z, Y, X), in their order.

    images: what `cellml.io.open_image` returns. Raises CellmlError for images with channels or times, and for different shapes or voxels.
    """

    axes = "CZYX"
    frames = 1

    def __init__(self, images: Sequence[Any]) -> None:
        first = images[0]
        for image in images:
            if image.axes != "ZYX":
                raise CellmlError(f"{image.name} has the axes {image.axes}; only images (Z, Y, X) can be stacked as channels.")
            if image.shape != first.shape or not np.allclose(image.spacing, first.spacing, rtol=1e-3):
                raise CellmlError(
                    f"{first.name} has {first.shape} voxels of {first.spacing} nm (z, y, x), {image.name} has {image.shape} of "
                    f"{image.spacing} nm; files that are channels of one image need one grid."
                )
        self._images, self.shape, self.spacing, self.origin = list(images), first.shape, first.spacing, first.origin
        self.full_shape = (len(images), *first.shape)
        self.name = " + ".join(image.name for image in images)
        self.channels = tuple(f"{n}: {image.name}" for n, image in enumerate(images))
        self.dtype = np.result_type(*(image.dtype for image in images))

    def read(self, region: Any = None) -> NDArray[Any]:
        """Voxels (C, z, y, x) of a region (z, y, x), None for all."""
        return np.stack([image.read(region) for image in self._images])

    def close(self) -> None:
        """Close all files."""
        for image in self._images:
            image.close()

    def __enter__(self) -> StackedImages:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
