"""Whether the angles of a series stand in the order of its projections, judged by the projections alone.

Projections at neighbouring tilts are alike; the further the tilts are apart, the less. Where angles were sorted and projections were not
(or the other way round), projections that the angles call neighbours resemble each other less than those of another likely order do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.types import TiltSeries

# Likeness of the other order less that of the stated one: below 0 for right orders at any noise; for interchanged ones 0.5 to 0.6 without
# noise, 0.2 at an SNR of 1, 0.09 at 0.3 and 0.03, too little to be told, at 0.1 (images of 48 × 56 pixels).
_MARGIN = 0.05
_FEWEST = 7  # projections, for means over pairs to say anything


def likeness(series: TiltSeries, order: NDArray[np.int64], reach: float = 0.12) -> float:
    """Mean correlation, -1 to 1, of projections (N, Y, X) that follow each other in `order` (N,), displaced by up to reach · size."""
    from scipy.ndimage import gaussian_filter

    _, height, width = series.data.shape
    size = (2 * height, 2 * width)
    v, u = max(1, int(reach * height)), max(1, int(reach * width))
    near = np.ix_(np.r_[-v : v + 1], np.r_[-u : u + 1])
    before: NDArray[np.complex128] | None = None
    total = 0.0
    for number in order:
        image = series.data[number].astype(np.float64)
        detail = image - gaussian_filter(image, (height / 8, width / 8), mode="nearest")
        detail -= detail.mean()
        spectrum = np.fft.rfft2(detail / max(float(np.sqrt((detail**2).sum())), 1e-30), size)
        if before is not None:
            total += float(np.fft.irfft2(before.conj() * spectrum, size)[near].max())
        before = spectrum
    return total / max(1, len(order) - 1)


def order_warning(series: TiltSeries) -> str | None:
    """What to tell the user where another order of the projections is likelier than that of the angles, else None.

    Compared are the angles' order, the stack's own, and that of a dose-symmetric scheme (0, +, −, +, −, …) whose angles were sorted.
    Groups of several tilts to one side, and orders that were only turned round, are not found.
    """
    count = len(series.data)
    if count < _FEWEST:
        return None
    said = np.argsort(series.tilts, kind="stable")
    stack = np.arange(count)
    others = {"as they stand in the stack": stack, "in a dose-symmetric order (0, +, −, …)": np.r_[stack[::2][::-1], stack[1::2]]}
    stated = likeness(series, said)
    scores = {
        name: likeness(series, order) for name, order in others.items() if not any(np.array_equal(said, o) for o in (order, order[::-1]))
    }
    best = max(scores, key=scores.__getitem__)
    if scores[best] <= stated + _MARGIN:
        return None
    return (
        f"The angles of {series.name!r} seem not to stand in the order of its projections: neighbours by angle correlate by {stated:.2f}, "
        f"projections {best} by {scores[best]:.2f}. Give the angles in the order of the stack (angles=FILE.rawtlt, the mdoc, or a list)."
    )
