"""Sizes that say that the unit of a surface is another one than was read."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from cellml.types import Surface

_log = logging.getLogger(__name__)
LEAST_NM, MOST_NM = 5.0, 1e6  # below a vesicle's membrane, above most cells


def warn_of_size(surfaces: Sequence[Surface], source: str) -> None:
    """Warn in one line where the median of the cube roots of the volumes is below 5 nm or above 1 mm; surfaces: in nm, none for no warning.

    Files of surfaces seldom note their unit, so that µm are taken for nm without an error anywhere.
    """
    sizes = [np.cbrt(abs(surface.volume())) for surface in surfaces]
    typical = float(np.median(sizes)) if sizes else LEAST_NM
    if not LEAST_NM <= typical <= MOST_NM:
        _log.warning(
            "Surfaces of %s are %.3g nm large (cube root of the volume), which is unlikely in a cell; for coordinates in µm, add unit=um.",
            source,
            typical,
        )
