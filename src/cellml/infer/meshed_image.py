"""What a network that predicts meshes is shown: the whole image, normalised, once it is known to be one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

log = logging.getLogger(__name__)

_FEWEST_VOXELS = 2  # along each axis: between one voxel and itself nothing can be interpolated
_FEWEST_VALUES = 17  # electron micrographs have many more, labels seldom so many
_SAMPLE = 20_000


def image_for_mesh(image: Any, name: str, contract: Mapping[str, Any]) -> NDArray[np.float32]:
    """An opened image as the network wants it, (C, Z, Y, X).

    Warns of an image with so few values that it looks like labels. Raises CellmlError for a time axis and for a single section.
    """
    from cellml.data.normalisation import Normalisation

    if "T" in image.axes:
        raise CellmlError(f"{name} has a time axis; meshes are predicted of one volume. Write its frames as files of their own.")
    z, y, x = image.shape[-3:]
    if min(z, y, x) < _FEWEST_VOXELS:
        raise CellmlError(
            f"{name} has {z} × {y} × {x} voxels (z, y, x); a mesh is predicted of a volume of at least {_FEWEST_VOXELS} sections of "
            f"{_FEWEST_VOXELS} × {_FEWEST_VOXELS} voxels, and of many more where it is to hold a cell. Give the whole stack."
        )
    numbers = Normalisation.measure(image, method=contract["normalisation"], name=name)
    voxels = image.read()
    warn_of_few_values(voxels, name)
    return np.asarray(numbers.apply(voxels), np.float32)


def warn_of_few_values(voxels: NDArray[Any], name: str) -> str | None:
    """Warn of an image with 16 different values or fewer; returns the text. voxels: of any shape."""
    sample = voxels.reshape(-1)[:: max(1, voxels.size // _SAMPLE)]
    if len(np.unique(sample)) >= _FEWEST_VALUES:
        return None
    values = len(np.unique(voxels))
    if values >= _FEWEST_VALUES:
        return None
    text = f"{name} has only {values} different values and looks like labels, not like an image; the mesh will mean nothing if it is that."
    if np.issubdtype(voxels.dtype, np.integer) or voxels.dtype == bool:
        text += " Labels are meshed by `cellml mesh`."
    log.warning(text)
    return text
