"""A host as an image for networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.shapes.organelles.harmonic import coordinate_in
from cellml.shapes.organelles.host import Host

CHANNELS = ("inside", "inner", "harmonic", "depth", "distance")
DEPTH_NM = 500.0  # distances are told in units of it


def channels_of(host: Host) -> NDArray[np.float32]:
    """What is known of a host at each voxel, (5, Z, Y, X): inside or not, in the inner frame or not, the harmonic coordinate (1 outside),
    and distances to the membrane and from the inner frame in units of 500 nm, at most 4.
    """
    from scipy.ndimage import distance_transform_edt

    away = distance_transform_edt(~host.inner, sampling=host.spacing) / DEPTH_NM
    held = np.pad(host.within, 1, mode="edge")
    depth = np.full_like(away, np.inf)
    if not held.all():
        depth = distance_transform_edt(held, sampling=host.spacing)[1:-1, 1:-1, 1:-1] / DEPTH_NM
    parts = (host.inside, host.inner, coordinate_in(host), np.minimum(depth, 4), np.minimum(away, 4))
    return np.stack([np.asarray(part, np.float32) for part in parts])
