"""A first guess from solutions of the same matrix: P. F. Fischer, Comput. Methods Appl. Mech. Eng. 163:193, 1998.

Steps of a smooth run resemble those before. With an A-orthonormal basis q_i of the last solutions, x₀ = Σ (q_i · b) q_i is the best
approximation to A⁻¹ b in their span, in the norm of A, at the price of a few scalar products.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
# Vectors that are kept; more save few iterations, and each costs memory.
_MOST = 8
# A new solution is kept if this share of it, in the norm of A, is new: less is round-off.
_LEAST_NEWS = 1e-10


@dataclass(eq=False)
class Previous:
    """The basis for a symmetric positive definite matrix (N, N)."""

    matrix: Any
    basis: list[Vector] = field(default_factory=list)

    def guess(self, b: Vector) -> Vector:
        """The best approximation to A⁻¹ b in the span of what was remembered."""
        x = np.zeros_like(b)
        for q in self.basis:
            x += float(q @ b) * q
        return x

    def remember(self, x: Vector) -> None:
        """Add a solution to the span; a full basis begins again with it."""
        if len(self.basis) == _MOST:
            self.basis.clear()
        image = self.matrix @ x
        whole, new = float(x @ image), x.copy()
        for q in self.basis:
            new -= float(q @ image) * q
        energy = float(new @ (self.matrix @ new))
        if energy > _LEAST_NEWS**2 * whole > 0.0:
            self.basis.append(new / np.sqrt(energy))
