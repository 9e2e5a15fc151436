"""Copy numbers of many replicas in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cellml.sim.particles.cells import Floats, Index


@dataclass(frozen=True, eq=False)
class CopyCourses:
    """Copies in time.

    times: (S + 1,) in s; amounts: by species, (R, S + 1) copies in each replica; notes: what a reader should know.
    """

    times: Floats
    amounts: Mapping[str, Index]
    notes: tuple[str, ...]

    def mean(self, species: str) -> Floats:
        """Mean copies over the replicas at each time, (S + 1,)."""
        return np.asarray(self.amounts[species].mean(axis=0))

    def variance(self, species: str) -> Floats:
        """Variance over the replicas at each time, (S + 1,); unbiased."""
        return np.asarray(self.amounts[species].var(axis=0, ddof=1))

    def standard_error(self, species: str) -> Floats:
        """Standard error of the mean at each time, (S + 1,)."""
        return np.sqrt(self.variance(species) / len(self.amounts[species]))
