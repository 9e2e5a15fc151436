"""Many tests at once: which are kept when a given share of those kept may be false."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]


def benjamini_hochberg(p: Floats) -> Floats:
    """The q values of p values, of any shape: keeping all tests with q ≤ α keeps a share of false ones of at most α, in expectation.

    With p₍₁₎ ≤ … ≤ p₍ₘ₎: q₍ₖ₎ = min over j ≥ k of m p₍ⱼ₎ / j (Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57:289), for tests that are
    independent or positively dependent. Raises CellmlError for values that are no probabilities.
    """
    values = np.asarray(p, np.float64)
    if values.size == 0 or not ((values >= 0) & (values <= 1)).all():
        raise CellmlError(
            f"p values lie between 0 and 1; got {values.size} values, of which {int((~((values >= 0) & (values <= 1))).sum())} do not."
        )
    flat = values.ravel()
    order = np.argsort(flat)
    rising = flat[order] * flat.size / np.arange(1, flat.size + 1)
    q = np.empty_like(flat)
    q[order] = np.minimum(np.minimum.accumulate(rising[::-1])[::-1], 1.0)
    return q.reshape(values.shape)
