"""Counts and line integrals: I = I₀ exp(−p), which electrons in a thick specimen and X-rays in any obey."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellml.errors import CellmlError


def line_integrals(counts: NDArray[Any], incident: ArrayLike, dark: ArrayLike = 0.0) -> NDArray[np.float32]:
    """The line integrals p = −ln((I − D) / (I₀ − D)) that a reconstruction takes, from what a detector counts (Beer–Lambert).

    counts: (N, Y, X) I; incident: I₀, a number or the image (Y, X) without specimen; dark: D, the same without beam. A count at or below
    the dark field is taken for half a count above it, for its logarithm would be infinite; a pixel whose I₀ is not above D is dead, and
    NaN in the result. Raises CellmlError where no pixel is lit.
    """
    open_beam = np.asarray(incident, np.float64) - np.asarray(dark, np.float64)
    if not (open_beam > 0).any():
        raise CellmlError(
            f"The field without specimen is nowhere brighter than the dark field (largest difference {float(np.max(open_beam)):g}); "
            "perhaps the two were exchanged."
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        lit = np.where(open_beam > 0, open_beam, np.nan)
        transmitted = np.maximum(counts.astype(np.float64) - np.asarray(dark, np.float64), 0.5 * np.minimum(1.0, lit))
        return np.asarray(-np.log(transmitted / lit), np.float32)


def expected_counts(integrals: NDArray[Any], incident: float) -> NDArray[np.float64]:
    """The counts I = I₀ exp(−p), the inverse of `line_integrals` without a dark field; integrals: (…), in units of 1 (value × length)."""
    return np.asarray(incident * np.exp(-np.asarray(integrals, np.float64)))
