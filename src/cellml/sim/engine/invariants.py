"""What a reaction network conserves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellml.sim.engine.conditions import Conditions
from cellml.sim.engine.system import System, Vector


@dataclass(frozen=True, eq=False)
class Invariant:
    """A conserved total Σ_s c_s · (molecules of s), such as all calcium, free and bound. weights: (N,) with total = weights · y."""

    coefficients: dict[str, float]
    weights: Vector

    def __str__(self) -> str:
        parts = [f"{'' if c == 1 else f'{c:g} '}{name}" for name, c in self.coefficients.items()]
        return " + ".join(parts)


def invariants(system: System, held: Conditions) -> tuple[Invariant, ...]:
    """A basis of the left null space of the stoichiometric matrix (Famili & Palsson 2003), over species that nothing holds.

    Reduced to row echelon form, so that each total names few species.
    """
    names = list(system.slices)
    columns = [[float(term.changes.get(name, 0)) for name in names] for term in system.terms]
    fixed = {name for each in held.held for name, part in system.slices.items() if len(each.unknowns) and _within(each.unknowns[0], part)}
    columns += [[float(name == other) for name in names] for other in fixed]
    null = _null_space(np.array(columns, dtype=float).reshape(-1, len(names)))
    found = []
    for row in null:
        coefficients = {name: float(c) for name, c in zip(names, row, strict=True) if abs(c) > 1e-9}
        weights = np.zeros(system.size)
        for name, c in coefficients.items():
            weights[system.slices[name]] = c * system.weights[system.slices[name]]
        found.append(Invariant(coefficients, weights))
    return tuple(found)


def _within(unknown: int, part: slice) -> bool:
    return bool(part.start <= unknown < part.stop)


def _null_space(matrix: np.ndarray) -> np.ndarray:
    """Rows v with matrix · v = 0, in reduced row echelon form."""
    reduced, pivots = _echelon(matrix)
    count = matrix.shape[1]
    free = [k for k in range(count) if k not in pivots]
    basis = np.zeros((len(free), count))
    for row, k in enumerate(free):
        basis[row, k] = 1.0
        for line, pivot in enumerate(pivots):
            basis[row, pivot] = -reduced[line, k]
    return _echelon(basis)[0] if len(free) else basis


def _echelon(matrix: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Reduced row echelon form without zero rows, and its pivot columns."""
    work, pivots, row = np.array(matrix, dtype=float), [], 0
    for column in range(work.shape[1]):
        if row == len(work):
            break
        best = row + int(np.abs(work[row:, column]).argmax())
        if abs(work[best, column]) < 1e-9:
            continue
        work[[row, best]] = work[[best, row]]
        work[row] /= work[row, column]
        for other in range(len(work)):
            if other != row:
                work[other] -= work[other, column] * work[row]
        pivots.append(column)
        row += 1
    return work[:row], pivots
