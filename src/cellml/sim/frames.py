"""States that are kept for a movie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Bytes that all frames together may take; fewer are kept of large meshes.
MOST_BYTES = 200_000_000
_BYTES = 4


class Frames:
    """Keeps the first state and, of about `count` equal parts of the time until `end` (s), the first state in each.

    size: N, the number of unknowns. states: (N,) float32 by time in s. A state is kept when it is offered, so that no step moves for it.
    """

    def __init__(self, end: float, count: int, size: int) -> None:
        self.states: dict[float, NDArray[np.float32]] = {}
        self._apart = end / max(min(count, MOST_BYTES // (_BYTES * max(size, 1))), 1)
        self._end, self._next, self._wanted = end, 0.0, count > 0

    def __call__(self, t: float, y: NDArray[np.float64]) -> None:
        """Offer a state."""
        if self._wanted and (t >= self._next - 1e-9 * self._end or t >= self._end * (1 - 1e-12)):
            self.states[t] = y.astype(np.float32)
            self._next = (np.floor(t / self._apart + 1e-9) + 1) * self._apart
