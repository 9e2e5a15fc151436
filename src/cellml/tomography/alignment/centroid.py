"""The rotation axis of a specimen that lies wholly within the field of view, from the centres of mass of its projections."""

from __future__ import annotations

import numpy as np

from cellml.errors import CellmlError
from cellml.tomography.geometry import direction
from cellml.types import TiltSeries


def centroid_offset(series: TiltSeries) -> float:
    """Pixels along u by which the axis lies off the middle of the images.

    The centre of mass of a projection is x cos t + z SENSE sin t + c, with (x, z) that of the specimen (the first moment of Helgason's and
    Ludwig's conditions, Natterer 1986, section II.4); c is fitted by least squares. For values that are 0 outside the specimen, such as
    X-ray absorption; a limited range tells c from x badly. Raises CellmlError where a projection has no positive sum.
    """
    mass = series.data.sum(axis=1, dtype=np.float64)
    place = np.arange(mass.shape[1]) - (mass.shape[1] - 1) / 2
    total = mass.sum(axis=1)
    if (total <= 0).any():
        raise CellmlError(
            f"Projection {int(total.argmin())} of {series.name!r} has a sum of {total.min():g}: a centre of mass needs absorption above 0 "
            "on a background of 0. Turn counts into line integrals first (cellml.tomography.beer_lambert)."
        )
    modes = np.stack([*direction(series.tilts), np.ones(len(total))], axis=1)
    return float(np.linalg.lstsq(modes, mass @ place / total, rcond=None)[0][2])
