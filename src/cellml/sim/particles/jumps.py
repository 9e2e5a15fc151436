"""Diffusion as jumps of single molecules between the nodes of a mesh.

A molecule at node i jumps to node j with the rate −D K_ij / w_i, with K the P1 stiffness matrix and w the lumped masses, the volumes of
the dual cells (Engblom, Ferm, Hellander & Lötstedt, SIAM J. Sci. Comput. 31:1774, 2009): the expected numbers then obey the P1 equations
with lumped masses. Obtuse dihedral angles make some K_ij positive; these jumps are left out, which keeps uniform concentrations at rest
and changes the operator by the reported share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.sim.engine.conditions import Conditions, conditions
from cellml.sim.engine.system import System
from cellml.sim.particles.cells import Floats, Index
from cellml.sim.particles.tracing import Bools


@dataclass(frozen=True, eq=False)
class Jumps:
    """Jump rates between the N unknowns of a system.

    rate: (N,) of leaving, in 1/s; targets: (E,) and cumulative: (E,), row + share, so that the target of a molecule at row i is the first
    whose cumulative value exceeds i + u for u uniform in [0, 1); held: (N,), unknowns whose concentration is held; inflow: sparse (N, N),
    arrivals per time for each unit of held concentration; left_out: share of the positive off-diagonal of K, by species.
    """

    rate: Floats
    targets: Index
    cumulative: Floats
    held: Bools
    inflow: Any
    conditions: Conditions
    left_out: dict[str, float]


def jumps_of(system: System) -> Jumps:
    """The jumps of all species of a system."""
    from scipy.sparse import csr_array

    outward = (-system.transport(system.model.values())).tocoo()
    away = outward.row != outward.col
    row, column, flow = outward.row[away], outward.col[away], outward.data[away]
    left_out = {}
    for name, part in system.slices.items():
        mine = flow[(row >= part.start) & (row < part.stop)]
        total = np.abs(mine).sum()
        left_out[name] = float(-mine[mine < 0].sum() / total) if total else 0.0
    kept = flow > 1e-14 * np.abs(flow).max(initial=0.0)
    matrix = csr_array((flow[kept], (row[kept], column[kept])), shape=(system.size, system.size))
    matrix.sum_duplicates()
    counts = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(system.size), counts)
    total = np.bincount(rows, matrix.data, minlength=system.size)
    running = np.cumsum(matrix.data)
    before = np.concatenate([[0.0], running])[matrix.indptr[:-1]]
    share = np.clip((running - before[rows]) / np.where(total > 0, total, 1.0)[rows], 0.0, 1.0)
    last = matrix.indptr[1:][counts > 0] - 1
    share[last] = 1.0
    chosen = conditions(system)
    held = np.ones(system.size, bool)
    held[chosen.free] = False
    return Jumps(total / system.weights, matrix.indices.astype(np.int64), rows + share, held, matrix.T.tocsr(), chosen, left_out)


def diffuse(jumps: Jumps, counts: Index, time: float, concentrations: Floats, rng: np.random.Generator) -> Index:
    """Copy numbers (R, N) after a time in s; exact, as each molecule has its own exponential clock.

    concentrations: (N,), of which those of held unknowns are used: what jumps there is gone, and from there Poisson numbers arrive.
    """
    replicas, size = counts.shape
    place = np.repeat(np.arange(counts.size), np.where(jumps.held, 0, counts).ravel())
    left = np.full(len(place), time)
    arrived, moment = _arrivals(jumps, concentrations, time, replicas, rng)
    place, left = np.concatenate([place, arrived]), np.concatenate([left, moment])
    resting = [place[:0]]
    while len(place):
        node = place % size
        rate = jumps.rate[node]
        left = left - np.divide(rng.standard_exponential(len(place)), rate, out=np.full(len(place), np.inf), where=rate > 0)
        moving = left > 0
        resting.append(place[~moving])
        place, left, node = place[moving], left[moving], node[moving]
        target = jumps.targets[np.searchsorted(jumps.cumulative, node + rng.random(len(node)), side="right")]
        kept = ~jumps.held[target]
        place, left = (place - node + target)[kept], left[kept]
    moved = np.bincount(np.concatenate(resting), minlength=counts.size).reshape(counts.shape)
    return np.where(jumps.held, counts, moved)


def _arrivals(jumps: Jumps, concentrations: Floats, time: float, replicas: int, rng: np.random.Generator) -> tuple[Index, Floats]:
    """Molecules that come from held unknowns: their place (replica · N + node), and the time that is left to them."""
    if not jumps.held.any():
        return np.zeros(0, np.int64), np.zeros(0)
    expected = jumps.inflow @ np.where(jumps.held, concentrations, 0.0) * time
    number = rng.poisson(np.broadcast_to(np.where(jumps.held, 0.0, expected), (replicas, len(expected))))
    place = np.repeat(np.arange(number.size), number.ravel())
    return place, time * rng.random(len(place))
