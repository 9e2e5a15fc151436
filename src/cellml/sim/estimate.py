"""A quantity of one finite-element solve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Estimate:
    """A value, the error that the discretisation leaves in it (absolute, same unit), and the nodal field (N,) it was taken from."""

    value: float
    error: float
    field: NDArray[np.float64] | None = None

    def times(self, factor: float) -> Estimate:
        """The same in another unit, or times a coefficient; the field stays."""
        return Estimate(self.value * factor, self.error * abs(factor), self.field)
