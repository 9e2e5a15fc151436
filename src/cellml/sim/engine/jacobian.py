"""Jacobians of all reactions, assembled into a pattern that is found once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    def _laid_out(self) -> tuple[Any, list[tuple[int, str, str, NDArray[np.int64]]]]:
        """The pattern with the places of M and A in it; and for each block the reaction, the species out and in, and its places."""
        from scipy.sparse import csr_array

        size, rows, columns, keys = self.system.size, [], [], []
        for part in (self.system.mass.tocoo(), self.transport.tocoo()):
            rows.append(part.row)
            columns.append(part.col)
        for number, term in enumerate(self.system.terms):
            entries = term.mass.tocoo()
            for out in term.changes:
                for inward in term.inputs():
                    rows.append(term.unknowns[out][entries.row])
                    columns.append(term.unknowns[inward][entries.col])
                    keys.append((number, out, inward))
        flat = np.concatenate(rows).astype(np.int64) * size + np.concatenate(columns)
        unique, inverse = np.unique(flat, return_inverse=True)
        pattern = csr_array((np.zeros(len(unique)), (unique // size, unique % size)), shape=(size, size))
        bounds = np.cumsum([len(r) for r in rows])[:-1]
        parts = np.split(inverse, bounds)
        return (pattern, parts[0], parts[1]), [(*key, where) for key, where in zip(keys, parts[2:], strict=True)]

    def __call__(self, y: Vector, t: float, values: Mapping[str, float], c: float, h: float) -> Any:
        """The matrix c M + h (A − ∂S/∂y) at a state, sparse CSR (N, N)."""
        ((pattern, of_mass, of_transport), blocks), others = self._laid_out, self.system.others(values, t)
        data = np.zeros(pattern.nnz)
        data[of_mass] += c * self.system.mass.tocoo().data
        data[of_transport] += h * self.transport.tocoo().data
        slopes: dict[tuple[int, str], Vector] = {}
        for number, out, inward, where in blocks:
            term = self.system.terms[number]
            if (number, inward) not in slopes:
                slopes[number, inward] = term.slope(inward, y, others)
            entries = term.mass.tocoo()
            data[where] -= h * term.changes[out] * entries.data * slopes[number, inward][entries.col]
        matrix = pattern.copy()
        matrix.data = data
        return matrix
