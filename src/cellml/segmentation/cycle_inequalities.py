"""Cutting planes of the multicut polytope: which cycles a solution breaks, and the program that must not break them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from cellml.errors import CellmlError

_TOLERANCE = 1e-6


class CuttingPlanes:
    """min c·y over 0 ≤ y ≤ 1 under the cycle inequalities found so far; each round adds those that the last solution breaks.

    nodes, edges (E, 2), costs (E,): the graph; seconds: most time for all rounds. Raises CellmlError where it runs out.
    """

    def __init__(self, nodes: int, edges: NDArray[np.int64], costs: NDArray[np.float64], seconds: float) -> None:
        self.nodes, self.edges, self.costs = nodes, np.asarray(edges), np.asarray(costs, np.float64)
        self.deadline, self.seconds = time.monotonic() + seconds, seconds
        self.rows: list[tuple[int, tuple[int, ...]]] = []
        self.number = {frozenset(edge): index for index, edge in enumerate(self.edges.tolist())}

    def tighten(self, *, integer: bool) -> NDArray[np.float64]:
        """Solve and separate until no cycle is broken; returns y, (E,). Without `integer` the relaxation."""
        known = set(self.rows)
        while True:
            cut = self._solve(integer)
            broken = [row for row in self.broken_cycles(cut) if row not in known]
            if not broken:
                return cut
            known.update(broken)
            self.rows += broken

    def broken_cycles(self, cut: NDArray[np.float64]) -> list[tuple[int, tuple[int, ...]]]:
        """(e, P) of the edges e with y_e > Σ_{f ∈ P} y_f on the shortest path P around them, y as lengths."""
        lengths = np.clip(cut, 0.0, 1.0)
        suspects = np.flatnonzero(lengths > _TOLERANCE)
        if not suspects.size:
            return []
        u, v = self.edges.T
        # a length of 0 would vanish from a sparse matrix; 1e-9 for each edge keeps it and prefers short cycles
        graph = csr_array(
            (np.concatenate([lengths, lengths]) + 1e-9, (np.concatenate([u, v]), np.concatenate([v, u]))), shape=(self.nodes,) * 2
        )
        sources, row = np.unique(u[suspects], return_inverse=True)
        distance, before = dijkstra(graph, indices=sources, return_predecessors=True, limit=1.0)
        found = []
        for edge, start in zip(suspects.tolist(), row.tolist(), strict=True):
            if distance[start, v[edge]] < lengths[edge] - _TOLERANCE:
                found.append((edge, self._path(before[start], int(v[edge]))))
        return found

    def _path(self, before: NDArray[np.int32], node: int) -> tuple[int, ...]:
        """Edges of the shortest path back to the source."""
        path = []
        while before[node] >= 0:
            path.append(self.number[frozenset((int(before[node]), node))])
            node = int(before[node])
        return tuple(sorted(path))

    def _solve(self, integer: bool) -> NDArray[np.float64]:
        from scipy.optimize import Bounds, LinearConstraint, milp

        left = self.deadline - time.monotonic()
        constraints: list[Any] = [LinearConstraint(self._matrix(), -np.inf, 0.0)] if self.rows else []
        options = {"time_limit": max(left, 1e-3), "mip_rel_gap": 0.0}
        answer = milp(
            self.costs, integrality=np.full(len(self.costs), int(integer)), bounds=Bounds(0, 1), constraints=constraints, options=options
        )
        if left <= 0 or answer.status != 0:
            raise CellmlError(
                f"The exact multicut of {self.nodes} nodes and {len(self.edges)} edges was not found within {self.seconds:g} s "
                f"({len(self.rows)} cycle inequalities so far); give it more seconds, or use GreedyKernighanLin."
            )
        return np.asarray(answer.x, np.float64)

    def _matrix(self) -> csr_array[Any]:
        """y_e − Σ_{f ∈ P} y_f, one row a cycle."""
        entries = [(r, e, 1.0) for r, (e, _) in enumerate(self.rows)] + [
            (r, f, -1.0) for r, (_, path) in enumerate(self.rows) for f in path
        ]
        rows, columns, values = (np.array(part) for part in zip(*entries, strict=True))
        return csr_array((values, (rows, columns)), shape=(len(self.rows), len(self.edges)))
