"""Step 01: the image as it is segmented, and how noisy it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import CellmlError
from cellml.pipeline.recipe import ImageStep
from cellml.types import Volume

IMAGE = "image.tif"
_MEASURED = "measured.tif"


def make_image(folder: Path, input: str, spacing_nm: Sequence[float] | None, step: ImageStep) -> Mapping[str, Any]:
    """Write `image.tif`, and `measured.tif`, what it was made of, where it was filtered or repaired.

    Returns the shape, the voxel size and the deviation of its noise. Raises CellmlError for several channels or times, and as the verbs
    `filter` and `infer` do.
    """
    from cellml.io import read_volume, write_volume

    measured = read_volume(input, spacing_nm=spacing_nm, region=_region(step.region))
    if measured.axes != "ZYX":
        data = measured.data
        if data.ndim == 3 or any(n != 1 for n in data.shape[:-3]):
            raise CellmlError(f"{input} has the axes {measured.axes}; a pipeline takes one channel of one time, with the axes ZYX.")
        measured = replace(measured, data=data.reshape(data.shape[-3:]), axes="ZYX", channels=())
    image = folder / IMAGE
    if step.filter is None and step.repair is None:
        write_volume(measured, image)
    else:
        write_volume(measured, folder / _MEASURED)
        _improved(str(folder / _MEASURED), str(image), step)
    made = read_image(folder)
    return {"shape": list(made.data.shape), "spacing_nm": list(made.spacing), "noise": _noise(made)}


def read_image(folder: Path) -> Volume:
    """The image that step 01 left, (Z, Y, X)."""
    from cellml.io import read_volume

    volume = read_volume(folder / IMAGE)
    return replace(volume, data=volume.data.reshape(volume.data.shape[-3:]), axes="ZYX", channels=())


def _improved(measured: str, image: str, step: ImageStep) -> None:
    from cellml.imaging.command import filter_file
    from cellml.infer.command import infer_file

    if step.filter is not None:
        filter_file(measured, image, filter=step.filter, floats=True)
    elif step.repair is not None:
        infer_file(step.repair, measured, image, wedge=step.repair_wedge, information=False)


def _noise(image: Volume) -> float:
    from cellml.pipeline.image_draws import noise_deviation

    if not np.isfinite(image.data).all():
        raise CellmlError(f"{image.name} has voxels that are not finite; `cellml check data.path=FILE` shows where.")
    return round(noise_deviation(image.data), 6)


def _region(region: Mapping[str, Sequence[int | None] | None] | None) -> tuple[slice, slice, slice] | None:
    """{z: [start, stop]} as slices; None for the whole volume."""
    asked = {axis: bounds for axis, bounds in (region or {}).items() if bounds is not None}
    if not asked:
        return None
    if set(asked) - set("zyx") or any(len(bounds) != 2 for bounds in asked.values()):
        raise CellmlError(f"image.region={asked} must be [start, stop] in voxels for some of the axes z, y and x.")
    z, y, x = (slice(*asked.get(axis, (None, None))) for axis in "zyx")
    return z, y, x
