"""The solvers against all partitions of small graphs, against each other, and on partitions that were planted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.segmentation.cycle_inequalities import CuttingPlanes
from cellml.segmentation.lifted_multicut import solve_lifted
from cellml.segmentation.multicut_solvers import ExactMulticut, GreedyKernighanLin, connected_parts, multicut_energy, require_edges


def partitions(nodes: int, parts: tuple[int, ...] = (0,)) -> Iterator[np.ndarray]:
    """All partitions of the nodes, as restricted growth strings."""
    if len(parts) == nodes:
        yield np.array(parts)
        return
    for part in range(max(parts) + 2):
        yield from partitions(nodes, (*parts, part))


def random_graph(seed: int, nodes: int, share: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    edges = np.array([(u, v) for u in range(nodes) for v in range(u + 1, nodes) if rng.random() < share], np.int64).reshape(-1, 2)
    return edges, rng.normal(size=len(edges))


def grid(side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A square grid of nodes with normal costs: frustrated cycles everywhere."""
    number = np.arange(side * side).reshape(side, side)
    edges = np.concatenate(
        [np.stack([number[:-1].ravel(), number[1:].ravel()], 1), np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], 1)]
    )
    return edges, np.random.default_rng(seed).normal(0.1, 1, len(edges))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), nodes=st.integers(2, 6))
def test_exact_is_the_best_of_all_partitions_and_greedy_is_never_better(seed: int, nodes: int) -> None:
    edges, costs = random_graph(seed, nodes)
    best = min(multicut_energy(edges, costs, parts) for parts in partitions(nodes))
    exact = multicut_energy(edges, costs, ExactMulticut()(nodes, edges, costs))
    assert exact == pytest.approx(best, abs=1e-9)
    greedy, moved = (multicut_energy(edges, costs, GreedyKernighanLin(n)(nodes, edges, costs)) for n in (0, 20))
    assert greedy >= moved - 1e-9 and moved >= best - 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_on_grids_too_large_to_enumerate_the_relaxation_bounds_the_exact_answer_and_that_the_greedy_one(seed: int) -> None:
    edges, costs = grid(9, seed)
    relaxed = float(costs @ CuttingPlanes(81, edges, costs, 60.0).tighten(integer=False))
    exact = multicut_energy(edges, costs, ExactMulticut()(81, edges, costs))
    greedy, moved = (multicut_energy(edges, costs, GreedyKernighanLin(n)(81, edges, costs)) for n in (0, 20))
    assert relaxed <= exact + 1e-6 and exact <= moved + 1e-9 and moved <= greedy + 1e-9
    assert moved < 0.95 * exact, "energies are negative: the moves come within 5 % of the best"


@pytest.mark.parametrize("solver", [GreedyKernighanLin(), ExactMulticut()])
def test_planted_parts_are_found(solver: GreedyKernighanLin | ExactMulticut) -> None:
    rng = np.random.default_rng(0)
    planted = rng.integers(0, 4, 40)
    edges, _ = random_graph(1, 40, share=0.4)
    costs = np.where(planted[edges[:, 0]] == planted[edges[:, 1]], 1.0, -1.0) + rng.normal(0, 0.3, len(edges))
    found = solver(40, edges, costs)
    assert len(np.unique(found)) == 4 and len(np.unique(found * 4 + planted)) == 4


def test_a_broken_cycle_is_seen_and_no_other() -> None:
    triangle = CuttingPlanes(3, np.array([[0, 1], [1, 2], [0, 2]]), np.zeros(3), 1.0)
    assert triangle.broken_cycles(np.array([1.0, 0.0, 0.0])) == [(0, (1, 2))]
    assert triangle.broken_cycles(np.array([1.0, 1.0, 0.0])) == []
    assert triangle.broken_cycles(np.array([0.9, 0.3, 0.3])) == [(0, (1, 2))]
    assert triangle.broken_cycles(np.array([0.6, 0.3, 0.3])) == []


def test_a_time_that_runs_out_is_said() -> None:
    edges, costs = grid(20, 0)
    with pytest.raises(CellmlError, match=r"400 nodes and 760 edges was not found within 0 s .*GreedyKernighanLin"):
        ExactMulticut(seconds=0.0)(400, edges, costs)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000))
def test_lifted_parts_are_connected_and_never_better_than_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.array([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 3)])
    lifted = np.array([(0, 2), (1, 4), (0, 5), (2, 5)])
    costs, weights = rng.normal(size=6), rng.normal(size=4)

    def energy(parts: np.ndarray) -> float:
        return multicut_energy(edges, costs, parts) + multicut_energy(lifted, weights, parts)

    found = solve_lifted(6, edges, costs, lifted, weights)
    kept = found[edges[:, 0]] == found[edges[:, 1]]
    assert len(np.unique(connected_parts(6, edges[kept]))) == len(np.unique(found))
    feasible = [
        p for p in partitions(6) if len(np.unique(connected_parts(6, edges[p[edges[:, 0]] == p[edges[:, 1]]]))) == len(np.unique(p))
    ]
    assert energy(found) >= min(map(energy, feasible)) - 1e-9


def test_a_lifted_pair_splits_what_contacts_leave_together() -> None:
    edges, costs = np.array([(0, 1), (1, 2), (2, 3)]), np.array([2.0, 0.5, 2.0])
    assert len(np.unique(solve_lifted(4, edges, costs, np.zeros((0, 2), np.int64), np.zeros(0)))) == 1
    assert solve_lifted(4, edges, costs, np.array([(0, 3)]), np.array([-3.0])).tolist() == [0, 0, 1, 1]


def test_no_edges_and_bad_edges() -> None:
    none = np.zeros((0, 2), np.int64)
    for solver in (GreedyKernighanLin(), ExactMulticut()):
        assert solver(3, none, np.zeros(0)).tolist() == [0, 1, 2]
    with pytest.raises(CellmlError, match="not finite; clip"):
        require_edges(3, np.array([[0, 1]]), np.array([np.inf]))
    with pytest.raises(CellmlError, match="different nodes 0 to 1"):
        require_edges(2, np.array([[0, 2]]), np.array([1.0]))
