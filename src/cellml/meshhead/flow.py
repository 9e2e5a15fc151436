"""A flow along a stationary velocity field that never turns a tetrahedron of the grid over."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshhead.floor import moved_above_floor
from cellml.meshhead.grid import BackgroundGrid, determinants

Velocity = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Flow:
    """How a velocity field is integrated over unit time.

    stretch: largest ‖∇v‖ dt of one step, below 1: where the velocity is linear on each tetrahedron, as it is between vertices, a step
    is the map x + dt v(x) with determinants (1 − ‖∇v‖ dt)³ > 0 at least, so that it turns nothing over; most_steps: where the field is
    so steep that more would be needed, larger steps are taken, backtracked where they turn something over; floor: share δ of its
    volume that every tetrahedron of the grid keeps.
    """

    stretch: float = 0.3
    most_steps: int = 16
    floor: float = 0.2

    def __post_init__(self) -> None:
        if not (0 < self.stretch < 1 and self.most_steps >= 1 and 0 < self.floor < 1):
            raise CellmlError(
                "A flow needs 0 < stretch < 1, most_steps of at least 1 and 0 < floor < 1, got "
                f"{self.stretch}, {self.most_steps} and {self.floor}."
            )

    def __call__(self, grid: BackgroundGrid, velocity: Velocity) -> Tensor:
        """Where the grid's vertices are after unit time, (V, 3) in nm, with gradient to the velocities.

        velocity: points (V, 3) → (V, 3) in nm per unit time. Euler steps; vertices on a wall slide in it. No determinant falls below
        `floor` times its own in the grid at rest.
        """
        points, least = grid.points, self.floor * determinants(grid.points, grid.tets)
        time = 0.0
        while time < 1.0:
            speed = grid.free(velocity(points).double())
            step = self._step(points, grid.tets, speed, 1.0 - time)
            points = moved_above_floor(points, grid.tets, step * speed, least)
            time = 1.0 if step >= 1.0 - time else time + step
        return points

    @torch.no_grad()
    def _step(self, points: Tensor, tets: Tensor, speed: Tensor, left: float) -> float:
        steepest = steepness(points, tets, speed)
        return min(left, max(self.stretch / steepest if steepest > 0 else math.inf, 1.0 / self.most_steps))


def steepness(points: Tensor, tets: Tensor, speed: Tensor) -> float:
    """Largest ‖∇v‖ (Frobenius, an upper bound of the Lipschitz constant) of a field that is linear on each tetrahedron, in 1/time.

    With edges E = (b − a, c − a, d − a) and V the differences of velocities along them, ∇v = E⁻¹ V. points, speed: (V, 3); tets: (T, 4).
    NaN velocities give 0.
    """
    corner, value = points[tets], speed[tets]
    gradient = torch.linalg.solve(corner[:, 1:] - corner[:, :1], value[:, 1:] - value[:, :1])
    return float(torch.nan_to_num(gradient.square().sum((1, 2)).max().sqrt(), nan=0.0, posinf=torch.finfo(points.dtype).max))
