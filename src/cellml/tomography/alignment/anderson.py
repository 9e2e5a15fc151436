"""Anderson's acceleration of a fixed-point iteration s ← s + f(s)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Anderson:
    """Proposes the next iterate from the last `memory` ones: s + f − (ΔS + ΔF) γ with γ = argmin ‖f − ΔF γ‖ (Walker and Ni 2011, eq. 2.2).

    Where errors along some directions shrink by only a few per cent in a plain step, as slow drifts along a tilt series do, this finds how
    they shrink and goes the whole way. most: greatest length of an accelerated step, as a multiple of the plain one.
    """

    def __init__(self, memory: int = 4, most: float = 4.0) -> None:
        self._memory, self._most = memory, most
        self._places: list[Floats] = []
        self._steps: list[Floats] = []

    def next(self, place: Floats, step: Floats) -> Floats:
        """The next iterate, given this one and its plain step f(s); any shape."""
        self._places = [*self._places, place.ravel()][-self._memory - 1 :]
        self._steps = [*self._steps, step.ravel()][-self._memory - 1 :]
        move = step.ravel()
        if len(self._places) > 1:
            places, steps = np.diff(self._places, axis=0).T, np.diff(self._steps, axis=0).T
            weights = np.linalg.lstsq(steps, move, rcond=1e-2)[0]
            move = move - (places + steps) @ weights
            length, plain = float(np.linalg.norm(move)), float(np.linalg.norm(step))
            move = move * min(1.0, self._most * plain / max(length, 1e-30))
        return np.asarray(place + move.reshape(place.shape))
