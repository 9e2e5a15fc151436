"""Random connected graphs on a cubic lattice with a given number of loops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

_FEWEST_NODES = 12


def random_lattice_graph(rng: np.random.Generator, nodes: int, loops: int) -> NDArray[np.int64]:
    """Edges (E, 2) of a connected graph of cycle rank E − V + 1 = `loops` on the nodes³ lattice; nodes are numbered in C order.

    A patch of neighbouring nodes grows at random until it has enough edges within; a random spanning tree of it, and as many further edges
    as there are to be loops, stay. Raises CellmlError for more loops than the lattice has.
    """
    edges = _lattice_edges(nodes)
    most = len(edges) - nodes**3 + 1
    if not 0 <= loops <= most:
        raise CellmlError(f"A lattice of {nodes}³ nodes has 0 to {most} loops, not {loops}.")
    patch = np.zeros(nodes**3, bool)
    patch[rng.integers(nodes**3)] = True
    while True:
        within = patch[edges].all(axis=1)
        if patch.sum() >= min(_FEWEST_NODES, nodes**3) and within.sum() - patch.sum() + 1 >= loops:
            break
        border = edges[patch[edges].sum(axis=1) == 1]
        patch[border[rng.integers(len(border))]] = True
    shuffled = rng.permutation(edges[within])
    tree = _spanning_tree(shuffled, nodes**3)
    return np.concatenate([shuffled[tree], shuffled[~tree][:loops]])


def _lattice_edges(nodes: int) -> NDArray[np.int64]:
    number = np.arange(nodes**3).reshape((nodes,) * 3)
    pairs = [np.stack([np.delete(number, -1, axis=a), np.delete(number, 0, axis=a)], axis=-1).reshape(-1, 2) for a in range(3)]
    return np.concatenate(pairs)


def _spanning_tree(edges: NDArray[np.int64], nodes: int) -> NDArray[np.bool_]:
    """Which edges join two parts that were not joined before, (E,) (Kruskal 1956)."""
    part = np.arange(nodes)
    chosen = np.zeros(len(edges), bool)
    for row, (a, b) in enumerate(edges):
        if part[a] != part[b]:
            part[part == part[b]] = part[a]
            chosen[row] = True
    return chosen
