"""Jacobians of all reactions, assembled into a pattern that is found once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.pattern import Grouped, Index, grouped
from cellml.sim.engine.system import System

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Jacobian:
    """c M + h A − h ∂S/∂y for changing states.

    Each reaction r gives a block (species out, species in) ν M_r diag(∂ρ_r/∂in): entries of M_r times slopes, at places that never change.
    """

    system: System
    transport: Any  # A for the values at hand

    @cached_property
    def _laid_out(self) -> tuple[Grouped, tuple[Index, Index], list[tuple[int, str, str, Index]]]:
        """The pattern; the places of M and A in it; and for each block the reaction, the species out and in, and its places."""
        rows, columns, keys = [], [], []
        for part in (self.system.mass.tocoo(), self.transport.tocoo()):
            rows.append(part.row)
            columns.append(part.col)
        for number, term in enumerate(self.system.terms):
            entries = term.mass.tocoo()
            for out in term.changes:
                for inward in term.inputs():
                    rows.append(term.unknowns[out][entries.row].astype(np.int32))
                    columns.append(term.unknowns[inward][entries.col].astype(np.int32))
                    keys.append((number, out, inward))
        found = grouped(np.concatenate(rows), np.concatenate(columns), self.system.size)
        parts = np.split(found.places, np.cumsum([len(r) for r in rows])[:-1])
        return found, (parts[0], parts[1]), [(*key, where) for key, where in zip(keys, parts[2:], strict=True)]

    def __call__(self, y: Vector, t: float, values: Mapping[str, float], c: float, h: float) -> Any:
        """The matrix c M + h (A − ∂S/∂y) at a state, sparse CSR (N, N)."""
        from scipy.sparse import csr_array

        if not self.system.terms:
            return (c * self.system.mass + h * self.transport).tocsr()
        (pattern, (of_mass, of_transport), blocks), others = self._laid_out, self.system.others(values, t)
        data = np.zeros(len(pattern.columns))
        data[of_mass] += c * self.system.mass.data
        data[of_transport] += h * self.transport.data
        slopes: dict[tuple[int, str], Vector] = {}
        for number, out, inward, where in blocks:
            term = self.system.terms[number]
            if (number, inward) not in slopes:
                slopes[number, inward] = term.slope(inward, y, others)
            data[where] -= (h * term.changes[out]) * term.mass.data * slopes[number, inward][term.mass.indices]
        return csr_array((data, pattern.columns.copy(), pattern.pointers.copy()), shape=self.system.mass.shape)
