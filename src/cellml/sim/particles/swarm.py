"""Particles of one species, in all replicas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellml.sim.particles.cells import Floats, Index
from cellml.sim.particles.tracing import Bools


@dataclass(frozen=True, eq=False)
class Swarm:
    """n particles.

    x: (n, 3) in µm; cell: (n,), their tetrahedra (bulk) or their triangles among those of their membrane; replica: (n,).
    """

    x: Floats
    cell: Index
    replica: Index

    def __len__(self) -> int:
        return len(self.cell)

    def some(self, which: Bools | Index) -> Swarm:
        """Some of the particles."""
        return Swarm(self.x[which], self.cell[which], self.replica[which])

    def copies(self, replicas: int) -> Index:
        """How many there are in each replica, (R,)."""
        return np.bincount(self.replica, minlength=replicas)


def nobody() -> Swarm:
    """A swarm of none."""
    return Swarm(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64))


def together(swarms: Sequence[Swarm]) -> Swarm:
    """One swarm of several."""
    parts = [nobody(), *swarms]
    return Swarm(*(np.concatenate([getattr(s, key) for s in parts]) for key in ("x", "cell", "replica")))
