"""Labels as a cleft between them leaves their boundaries: what a mesh made with that contact rule is compared with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.meshing.domain import Contact, most_touched
from cellml.types import Labels


def with_cleft(labels: Labels, contact: Contact) -> Labels:
    """Labels that lie apart as the contact rule says, voxel by voxel; the same labels where it is "fuse".

    With the background in the cleft, voxels nearer than half its width to another label become background. With a host, the labels that it
    surrounds lose voxels nearer than the width to the outside, or than half of it to each other, to the host. A label that would lose all
    its voxels keeps them.
    """
    if contact.rule != "cleft":
        return labels
    data = labels.data.copy()
    for number in (int(n) for n in np.unique(labels.data) if n not in (0, contact.host)):
        own = labels.data == number
        if contact.host and most_touched(labels.data, number) != contact.host:
            continue
        others = (labels.data > 0) & ~own & (labels.data != contact.host if contact.host else True)
        near = own & _nearer(others, 0.5 * contact.gap_nm, labels)
        if contact.host:
            near |= own & _nearer(labels.data == 0, contact.gap_nm, labels)
        if (own & ~near).any():
            data[near] = contact.host
    return replace(labels, data=data)


def _nearer(mask: NDArray[np.bool_], reach_nm: float, labels: Labels) -> NDArray[np.bool_]:
    """Voxels whose centre lies within a distance of the faces of a mask, (Z, Y, X)."""
    if not mask.any():
        return np.zeros(mask.shape, bool)
    away = ndimage.distance_transform_edt(~mask, sampling=labels.spacing) - 0.5 * min(labels.spacing)
    return np.asarray(away < reach_nm)
