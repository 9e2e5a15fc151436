"""Hosts of which only the inner frame is labelled: the tissue around some organelles, within a given distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellml.errors import CellmlError
from cellml.shapes.organelles.host import Host
from cellml.types import Labels


def host_around(inner: Sequence[Labels], reach_nm: float, guard_nm: float = 0.0, name: str = "surroundings") -> Host:
    """All that lies around labelled organelles, which are its inner frame; the outer frame is where `reach_nm` from them is reached.

    For blocks of tissue that show neither membrane nor nucleus whole. Directions are counted from the nearest organelle's centroid, along
    the axes of the volume, so that blocks of one specimen share them. inner: label volumes on one grid; guard_nm: centres of what is placed
    keep that far from the border of the volume, where organelles would be cut. Raises CellmlError where nothing is labelled, grids differ,
    or no place is left.
    """
    from scipy.ndimage import center_of_mass, distance_transform_edt

    first = inner[0]
    if any(other.shape != first.shape or not np.allclose(other.spacing, first.spacing) for other in inner):
        raise CellmlError(f"The inner frames of {name!r} lie on different grids: {[(o.shape, o.spacing) for o in inner]}.")
    frame = np.any([other.data > 0 for other in inner], axis=0)
    if not frame.any():
        raise CellmlError(f"Nothing is labelled in {[o.name for o in inner]}, so there is no inner frame for {name!r}.")
    spacing, origin = np.array(first.spacing), np.array(first.origin)
    outer = distance_transform_edt(~frame, sampling=spacing) > reach_nm
    inside = np.ones(frame.shape, bool)
    window = np.zeros(frame.shape, bool)
    margin = np.ceil(guard_nm / spacing).astype(int)
    window[tuple(slice(m, n - m) for m, n in zip(margin, frame.shape, strict=True))] = True
    if not (window & ~frame).any() or not outer.any():
        raise CellmlError(
            f"guard_nm={guard_nm:g} and reach_nm={reach_nm:g} leave no place in {name!r}, of {frame.shape} voxels, or nothing beyond."
        )
    centres = []
    for other in inner:
        numbers = np.unique(other.data[other.data > 0])
        centres += list(np.atleast_2d(center_of_mass(other.data > 0, other.data, numbers))) if len(numbers) else []
    points = (np.array(centres) * spacing + origin)[:, ::-1]
    return Host(inside, frame, True, np.ascontiguousarray(points), first.spacing, first.origin, name, window, np.eye(3), outer)
