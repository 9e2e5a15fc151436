"""Whole volumes and labels, read and written at once."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.region import Region, checked_region
from cellml.io.sink import create_array
from cellml.io.source import ImageSource, open_image
from cellml.types import Labels, Triple, Volume

_log = logging.getLogger(__name__)


def read_volume(
    spec: str | os.PathLike[str], *, spacing_nm: Sequence[float] | None = None, axes: str | None = None, region: Region | None = None
) -> Volume:
    """Read an image, or a region (z, y, x) of it; the voxels stay as they are. Arguments and errors as in `open_image`."""
    with open_image(spec, spacing_nm=spacing_nm, axes=axes) as source:
        data = source.read(region)
        return Volume(data, source.spacing, _moved_origin(source, region), axes=source.axes, channels=source.channels, name=source.name)


def read_labels(
    spec: str | os.PathLike[str], *, spacing_nm: Sequence[float] | None = None, region: Region | None = None, kind: str | None = None
) -> Labels:
    """Read labels, or a region (z, y, x) of them.

    kind: "instance" or "semantic"; None takes what the file says, else "instance". Whole numbers stored as floats are taken, with a
    warning. Raises CellmlError for fractional, non-finite or negative values, several channels and time axes; else as `open_image`.
    """
    with open_image(spec, spacing_nm=spacing_nm, usual="labels") as source:
        if source.axes != "ZYX" and max(source.full_shape[:-3]) > 1:
            raise CellmlError(f"{spec} has the axes {source.axes} and shape {source.full_shape}; labels are one (Z, Y, X) array.")
        data = source.read(region).reshape([part.stop - part.start for part in _bounds(source, region)])
        data = _whole_numbers(data, spec)
        origin = _moved_origin(source, region)
        return Labels(data, source.spacing, origin, kind=kind or source.kind or "instance", names=source.names, name=source.name)


def write_volume(volume: Volume, path: str | os.PathLike[str], **options: Any) -> None:
    """Write an image; the suffix picks the format. Errors and options as in `create_array`."""
    with create_array(
        path,
        shape=volume.data.shape,
        dtype=volume.data.dtype,
        spacing=volume.spacing,
        origin=volume.origin,
        axes=volume.axes,
        channels=volume.channels,
        name=volume.name,
        **options,
    ) as sink:
        sink.write(None, volume.data)


def write_labels(labels: Labels, path: str | os.PathLike[str], **options: Any) -> None:
    """Write labels; the suffix picks the format. Errors and options as in `create_array`."""
    with create_array(
        path,
        shape=labels.data.shape,
        dtype=labels.data.dtype,
        spacing=labels.spacing,
        origin=labels.origin,
        name=labels.name,
        kind=labels.kind,
        names=labels.names,
        **options,
    ) as sink:
        sink.write(None, labels.data)


def _bounds(source: ImageSource, region: Region | None) -> tuple[slice, ...]:
    return checked_region(region, source.shape, axes="ZYX", where=source.name)


def _moved_origin(source: ImageSource, region: Region | None) -> Triple:
    """The centre of the region's first voxel, (z, y, x) in nm."""
    z, y, x = (o + s * part.start for o, s, part in zip(source.origin, source.spacing, _bounds(source, region), strict=True))
    return (z, y, x)


def _whole_numbers(data: NDArray[Any], spec: object) -> NDArray[Any]:
    if data.dtype.kind != "f":
        return data
    if not np.isfinite(data).all() or (data != np.round(data)).any():
        raise FileError(
            f"{spec} holds fractional or non-finite {data.dtype} values, so it is no label volume. Is it an image or a probability map?"
        )
    _log.warning("%s stores its labels as %s; all are whole numbers, so they are read as integers.", spec, data.dtype)
    return data.astype(np.int64)
