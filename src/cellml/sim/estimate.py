"""A quantity of one finite-element solve, with the error that the mesh leaves in it.

The value is that of quadratic elements (P2). Its error is stated as half its distance from the value of linear elements (P1) on the
same mesh. That holds as long as P2 is off by at most a third of what P1 is off by (a saturation assumption). Measured in shares of that
distance, P2 was off by far less where the solution is smooth; by 0.2 to 0.36 at re-entrant edges of 270°; by 0.4 to 0.5 at the rim of an
absorbing patch in a flat membrane, the strongest singularity that mixed boundary conditions make, where the patch is two or more elements
wide; and by 0.03 to 0.12 on meshes of real neurites (15k to 35k tetrahedra, against one uniform refinement).

The error speaks of the polyhedron that the mesh is, not of the smooth shape that it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHARE = 0.5
# No value is claimed to be better than what a direct solve in double precision leaves.
ROUND_OFF = 1e-12


@dataclass(frozen=True, eq=False)
class Estimate:
    """A value, its absolute error in the same unit, and the nodal field (N,) that comes with it."""

    value: float
    error: float
    field: NDArray[np.float64] | None = None

    @classmethod
    def between(cls, linear: float, quadratic: float, field: NDArray[np.float64] | None = None) -> Estimate:
        """The estimate that follows from the P1 and the P2 value of a quantity."""
        return cls(quadratic, max(SHARE * abs(quadratic - linear), ROUND_OFF * abs(quadratic)), field)

    def times(self, factor: float) -> Estimate:
        """The same in another unit, or times a coefficient; the field stays."""
        return Estimate(self.value * factor, self.error * abs(factor), self.field)
