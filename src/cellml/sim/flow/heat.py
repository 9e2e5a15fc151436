"""Conduction of heat, stationary and in time.

∇·(k ∇T) + q = ρc ∂T/∂t. Units are those of `cellml.sim`: conductivity k in pN/(s·K) (1 W/(m·K) = 1e12), source q in pN/(µm²·s)
(1 W/m³ = 1), heat transfer h in pN/(µm·s·K) (1 W/(m²·K) = 1e6), capacity ρc in pN/(µm²·K) (1 J/(m³·K) = 1), heat in pN·µm/s (1e-18 W).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.assembly import scatter_matrix, scatter_vector
from cellml.sim.mechanics.space import FacetSet, Floats, Ints, Projection, Space, by_region
from cellml.sim.mechanics.twolevel import positive_solver
from cellml.types import TetMesh

ByRegion = float | Mapping[str, float]


@dataclass(frozen=True)
class Temperature:
    """A facet set held at a temperature: value in K, or a function of points (K, 3) in µm that returns (K,). The set listed later wins."""

    on: str
    value: float | Callable[[Floats], Floats]


@dataclass(frozen=True)
class HeatFlux:
    """Heat that enters through a facet set: value in pN/(µm·s) (1 W/m² = 1e6)."""

    on: str
    value: float


@dataclass(frozen=True)
class Convection:
    """Exchange with surroundings, −k ∂ₙT = h (T − T∞): transfer h in pN/(µm·s·K), ambient T∞ in K."""

    on: str
    transfer: float
    ambient: float


Condition = Temperature | HeatFlux | Convection


@dataclass(frozen=True, eq=False)
class HeatSystem:
    """The system K T = f before temperatures are held.

    K: sparse (N, N) with exchange; f: (N,); M: capacity matrix (N, N) or None; held: (H,) nodes with values (H,) and owner (H,), the
    number of the facet set in `names`; exchanged: by facet set of a Convection, the matrix and load of its exchange.
    """

    space: Space
    K: Any
    f: Floats
    M: Any
    held: Ints
    values: Floats
    owner: Ints
    names: tuple[str, ...]
    exchanged: Mapping[str, tuple[Any, Floats]]


def heat_system(
    mesh: TetMesh,
    conductivity: ByRegion,
    conditions: Sequence[Condition],
    *,
    sources: ByRegion = 0.0,
    capacity: ByRegion | None = None,
    order: int = 1,
    curved: Mapping[str, Projection] | None = None,
) -> HeatSystem:
    """Assemble conduction; boundary without a condition is insulated.

    Raises SimulationError for a conductivity or capacity that is not positive, a negative transfer and regions without a value.
    """
    space = Space(mesh, order, curved or {})
    k = _positive(mesh, conductivity, "The conductivity")
    q = np.array(by_region(mesh, sources, "The source"), dtype=float)
    nodes, size = space.element_nodes, space.size
    local = np.einsum("tniq,tmiq,tq->tnm", space.gradients, space.gradients, space.weights * k[:, None], optimize=True)
    K = scatter_matrix(nodes, nodes, local, (size, size))
    f = scatter_vector(nodes, np.einsum("nq,tq->tn", space.values, space.weights * q[:, None]), size)
    M = None
    if capacity is not None:
        c = _positive(mesh, capacity, "The heat capacity")
        filled = np.einsum("nq,mq,tq->tnm", space.values, space.values, space.weights * c[:, None], optimize=True)
        M = scatter_matrix(nodes, nodes, filled, (size, size))
    exchanged: dict[str, tuple[Any, Floats]] = {}
    for condition in conditions:
        if isinstance(condition, HeatFlux):
            f = f + condition.value * _facet_load(space, space.facets(condition.on))
        elif isinstance(condition, Convection):
            if condition.on in exchanged:
                raise SimulationError(f"{condition.on!r} has two heat exchanges; add their transfer coefficients up into one.")
            matrix, load = _exchange(space, condition)
            K, f = K + matrix, f + load
            exchanged[condition.on] = (matrix, load)
    held, values, owner, names = _held(space, [c for c in conditions if isinstance(c, Temperature)])
    return HeatSystem(space, K.tocsr(), f, M, held, values, owner, names, exchanged)


def _positive(mesh: TetMesh, values: ByRegion, what: str) -> Floats:
    found = np.array(by_region(mesh, values, what), dtype=float)
    if not (np.isfinite(found).all() and (found > 0.0).all()):
        raise SimulationError(f"{what} of {mesh.name!r} must be positive in every region, got {values!r}.")
    return found


def _facet_load(space: Space, facets: FacetSet) -> Floats:
    return scatter_vector(facets.element_nodes, np.einsum("fnq,fq->fn", facets.values, facets.weights), space.size)


def _exchange(space: Space, condition: Convection) -> tuple[Any, Floats]:
    if not (np.isfinite(condition.transfer) and condition.transfer >= 0.0):
        raise SimulationError(f"The heat transfer on {condition.on!r} is {condition.transfer!r}; it must not be negative.")
    facets = space.facets(condition.on)
    local = condition.transfer * np.einsum("fnq,fmq,fq->fnm", facets.values, facets.values, facets.weights)
    matrix = scatter_matrix(facets.element_nodes, facets.element_nodes, local, (space.size, space.size))
    return matrix, condition.transfer * condition.ambient * _facet_load(space, facets)


def _held(space: Space, temperatures: Sequence[Temperature]) -> tuple[Ints, Floats, Ints, tuple[str, ...]]:
    values, owner = np.zeros(space.size), np.full(space.size, -1)
    names = tuple(dict.fromkeys(t.on for t in temperatures))
    for temperature in temperatures:
        nodes = space.facets(temperature.on).nodes
        values[nodes] = temperature.value(space.nodes[nodes]) if callable(temperature.value) else temperature.value
        owner[nodes] = names.index(temperature.on)
    held = np.flatnonzero(owner >= 0)
    if not np.isfinite(values[held]).all():
        raise SimulationError(f"The temperatures held on {', '.join(names)} must be finite numbers in K.")
    return held, values[held], owner[held], names


@dataclass(frozen=True, eq=False)
class TemperatureField:
    """A stationary temperature.

    nodal: (N,) in K at the nodes of the space; heat: in pN·µm/s that leaves, by facet set that is held or convects.
    """

    space: Space
    nodal: Floats
    heat: Mapping[str, float]

    @property
    def temperature(self) -> Floats:
        """Temperature at the points of the mesh, (P,) in K, NaN at points of no tetrahedron."""
        return self.space.everywhere(self.nodal)


def solve_heat(
    mesh: TetMesh,
    conductivity: ByRegion,
    conditions: Sequence[Condition],
    *,
    sources: ByRegion = 0.0,
    order: int = 1,
    curved: Mapping[str, Projection] | None = None,
) -> TemperatureField:
    """The stationary temperature, ∇·(k ∇T) + q = 0.

    conductivity, sources: one number or one by region name; conditions by facet set; order, curved: elements as for `Space`. Raises
    SimulationError if nothing ties the temperature to a number (no Temperature and no Convection), and for bad values.
    """
    system = heat_system(mesh, conductivity, conditions, sources=sources, order=order, curved=curved)
    if len(system.held) == 0 and not any(c.transfer > 0.0 for c in conditions if isinstance(c, Convection)):
        raise SimulationError(
            f"Nothing ties the temperature of {mesh.name!r} to a number: hold a facet set with Temperature or cool one by Convection."
        )
    T = np.zeros(system.space.size)
    T[system.held] = system.values
    free = np.setdiff1d(np.arange(len(T)), system.held)
    T[free] = positive_solver(system.space, system.K, free, components=1)((system.f - system.K @ T)[free])
    return TemperatureField(system.space, T, leaving(system, T, system.f - system.K @ T))


def leaving(system: HeatSystem, T: Floats, rest: Floats) -> dict[str, float]:
    """Heat in pN·µm/s that leaves through each held or convecting facet set, from the rest f − K T − M ∂T/∂t (N,)."""
    heat = {name: float(rest[system.held[system.owner == number]].sum()) for number, name in enumerate(system.names)}
    for name, (matrix, load) in system.exchanged.items():
        heat[name] = heat.get(name, 0.0) + float((matrix @ T - load).sum())
    return heat
