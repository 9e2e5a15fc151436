"""Partitions of a graph whose cut edges cost least: greedily with local moves, or exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError


class MulticutSolver(Protocol):
    """Anything that partitions nodes 0 … nodes − 1, given edges (E, 2) and what cutting each costs (E,), positive where it should hold."""

    def __call__(self, nodes: int, edges: NDArray[np.int64], costs: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the part of each node, (nodes,), numbered from 0."""
        ...


@dataclass(frozen=True)
class GreedyKernighanLin:
    """Contract the most attractive edge until none is left, then move nodes between neighbouring parts while that lowers the energy.

    Greedy additive edge contraction and the Kernighan–Lin moves of Keuper et al. (2015, arXiv:1505.06973, algorithms 1 and 2), by
    bioimage-cpp; E log E for the first, and never worse for the second. Not exact: see ExactMulticut. iterations: most rounds of moves, 0
    for the greedy answer alone.
    """

    iterations: int = 20

    def __call__(self, nodes: int, edges: NDArray[np.int64], costs: NDArray[np.float64]) -> NDArray[np.int64]:
        """As MulticutSolver."""
        from bioimage_cpp.graph import UndirectedGraph
        from bioimage_cpp.graph import multicut as library

        if not len(edges):
            return np.arange(nodes)
        objective = library.MulticutObjective(UndirectedGraph.from_edges(nodes, edges.astype(np.uint64)), costs)
        library.GreedyAdditiveMulticut().optimize(objective)
        if self.iterations:
            library.KernighanLinMulticut(number_of_outer_iterations=self.iterations).optimize(objective)
        return connected_within(nodes, edges, objective.labels)


@dataclass(frozen=True)
class ExactMulticut:
    """The cheapest partition, by integer programming with cycle inequalities.

    minimise Σ c_e y_e over y ∈ {0, 1}^E, y_e ≤ Σ_{f ∈ P} y_f for every edge e and path P between its ends (Chopra and Rao 1993): an edge
    is cut only if every way around it is cut. The inequalities are too many to list; those that a solution breaks are found by shortest
    paths and added, first to the linear relaxation and then to the integer program, until none is broken (Kappes et al. 2011,
    doi:10.1007/978-3-642-23094-3_3), with HiGHS through scipy. For graphs of up to some thousand edges; seconds: most time for all of it.
    Raises CellmlError where it runs out.
    """

    seconds: float = 60.0

    def __call__(self, nodes: int, edges: NDArray[np.int64], costs: NDArray[np.float64]) -> NDArray[np.int64]:
        """As MulticutSolver."""
        from cellml.segmentation.cycle_inequalities import CuttingPlanes

        if not len(edges):
            return np.arange(nodes)
        planes = CuttingPlanes(nodes, edges, costs, self.seconds)
        planes.tighten(integer=False)
        cut = planes.tighten(integer=True)
        return connected_parts(nodes, edges[cut < 0.5])


def multicut_energy(edges: NDArray[Any], costs: NDArray[Any], parts: NDArray[Any]) -> float:
    """Σ of the costs of the edges between different parts."""
    return float(costs[parts[edges[:, 0]] != parts[edges[:, 1]]].sum())


def connected_parts(nodes: int, kept: NDArray[Any]) -> NDArray[np.int64]:
    """Connected components of nodes 0 … nodes − 1 over the kept edges (E, 2), numbered from 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(kept), bool), (kept[:, 0], kept[:, 1])), shape=(nodes, nodes))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def connected_within(nodes: int, edges: NDArray[Any], parts: NDArray[Any]) -> NDArray[np.int64]:
    """The parts, split where the edges do not connect them; no edge is cut by that, so that the energy stays."""
    return connected_parts(nodes, edges[parts[edges[:, 0]] == parts[edges[:, 1]]])


def require_edges(nodes: int, edges: NDArray[Any], costs: NDArray[Any]) -> None:
    """Raise CellmlError unless edges are (E, 2) different nodes with one finite cost each."""
    if edges.shape != (len(costs), 2) or (len(edges) and (edges.min() < 0 or edges.max() >= nodes or (edges[:, 0] == edges[:, 1]).any())):
        raise CellmlError(
            f"A multicut needs edges (E, 2) between different nodes 0 to {nodes - 1} and E costs, got {edges.shape} and {costs.shape}."
        )
    if not np.isfinite(costs).all():
        raise CellmlError(
            f"{int((~np.isfinite(costs)).sum())} of {len(costs)} edge costs of a multicut are not finite; clip the probabilities."
        )
