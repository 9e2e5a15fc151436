"""Temperature in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cellml.sim.direct import factorise
from cellml.sim.errors import SimulationError
from cellml.sim.flow.heat import ByRegion, Condition, HeatSystem, heat_system
from cellml.sim.mechanics.space import Floats, Projection, Space
from cellml.types import TetMesh

_IMPLICIT = {"backward_euler": 1.0, "crank_nicolson": 0.5}


@dataclass(frozen=True, eq=False)
class TemperatureHistory:
    """Temperature in time.

    times: (S + 1,) in s; mean, lowest, highest: (S + 1,) in K, the mean weighted by heat capacity; stored: (S + 1,) heat in pN·µm above
    0 K; nodal: (N,) at the end, in K; snapshots: nodal temperature by number of the step.
    """

    space: Space
    times: Floats
    mean: Floats
    lowest: Floats
    highest: Floats
    stored: Floats
    nodal: Floats
    snapshots: Mapping[int, Floats]

    @property
    def temperature(self) -> Floats:
        """Temperature at the end at the points of the mesh, (P,) in K, NaN at points of no tetrahedron."""
        return self.space.everywhere(self.nodal)


def heat_in_time(
    mesh: TetMesh,
    conductivity: ByRegion,
    capacity: ByRegion,
    conditions: Sequence[Condition],
    *,
    initial: float | Callable[[Floats], Floats],
    end: float,
    steps: int,
    scheme: str = "crank_nicolson",
    sources: ByRegion = 0.0,
    order: int = 1,
    curved: Mapping[str, Projection] | None = None,
    every: int = 0,
) -> TemperatureHistory:
    """Follow ρc ∂T/∂t = ∇·(k ∇T) + q from an initial temperature, with one factor for all steps.

      M δ/Δt + θ K δ = f − K Tⁿ, Tⁿ⁺¹ = Tⁿ + δ; θ = 1 for backward_euler (order 1), 1/2 for crank_nicolson (order 2)

    conductivity, capacity (ρc), sources: one number or one by region name; conditions hold from the first step on; initial: in K, or a
    function of points (N, 3) in µm; end: in s; every: snapshots each so many steps (0: none). Without a condition the stored heat changes
    by the sources only. Raises SimulationError for an unknown scheme, an end that is not positive, steps < 1, and bad values.
    """
    if scheme not in _IMPLICIT:
        raise SimulationError(f"The scheme {scheme!r} is unknown; cellml has {', '.join(_IMPLICIT)}.")
    if not (np.isfinite(end) and end > 0.0 and steps >= 1):
        raise SimulationError(f"end is {end!r} s and steps {steps!r}; both must be positive.")
    system = heat_system(mesh, conductivity, conditions, sources=sources, capacity=capacity, order=order, curved=curved)
    T = np.asarray(initial(system.space.nodes), dtype=float) if callable(initial) else np.full(system.space.size, float(initial))
    if T.shape != (system.space.size,) or not np.isfinite(T).all():
        raise SimulationError(f"The initial temperature must be finite at each of {system.space.size} nodes, got shape {T.shape}.")
    return _march(system, T, end / steps, steps, _IMPLICIT[scheme], every)


def _march(system: HeatSystem, T: Floats, step: float, steps: int, theta: float, every: int) -> TemperatureHistory:
    M, K, held = system.M, system.K, system.held
    free = np.setdiff1d(np.arange(len(T)), held)
    A = (M / step + theta * K).tocsr()
    solve = factorise(A[free][:, free])
    weight = M @ np.ones(len(T))
    rows, snapshots = [(weight @ T, T.min(), T.max())], {}
    for number in range(1, steps + 1):
        change = np.zeros(len(T))
        change[held] = system.values - T[held]
        right = system.f - K @ T - A @ change
        change[free] = solve(right[free])
        T = T + change
        rows.append((weight @ T, T.min(), T.max()))
        if every and number % every == 0:
            snapshots[number] = T
    stored, lowest, highest = np.array(rows).T
    times = np.asarray(step * np.arange(steps + 1), dtype=float)
    return TemperatureHistory(system.space, times, stored / weight.sum(), lowest, highest, stored, T, snapshots)
