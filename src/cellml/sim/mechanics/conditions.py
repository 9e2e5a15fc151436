"""What holds a body and what pulls on it, by name of a facet set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.space import Floats, Ints, Space

Components = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class Displacement:
    """A prescribed displacement of a facet set.

    on: name of the facets; value: (x, y, z) in µm, None for a component that stays free, or a function of points (K, 3) in µm that returns
    (K, 3) with NaN for free components. Where two sets meet, the one listed later holds the shared nodes.
    """

    on: str
    value: Components | Callable[[Floats], Floats] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Traction:
    """A force per area of the undeformed facets, whose direction stays (a dead load).

    on: name of the facets; value: (x, y, z) in Pa, or a function of points (F, Q, 3) in µm and outward normals (F, Q, 3) that returns
    (F, Q, 3) in Pa.
    """

    on: str
    value: tuple[float, float, float] | Callable[[Floats, Floats], Floats]


@dataclass(frozen=True)
class Pressure:
    """A pressure (Pa) that pushes a boundary facet set against its undeformed outward normal."""

    on: str
    value: float


Load = Traction | Pressure


@dataclass(frozen=True, eq=False)
class Supports:
    """Prescribed unknowns.

    dofs: (K,) numbered 3·node + axis and increasing; values: (K,) in µm; owner: (K,) number of the facet set in `names`.
    """

    dofs: Ints
    values: Floats
    owner: Ints
    names: tuple[str, ...]

    def forces(self, force: Floats) -> Mapping[str, Floats]:
        """Sum of nodal forces (3N,) over the unknowns each set holds, by its name, (3,) in pN."""
        sums = {name: np.zeros(3) for name in self.names}
        for number, name in enumerate(self.names):
            mine = self.dofs[self.owner == number]
            sums[name] += np.bincount(mine % 3, weights=force[mine], minlength=3)
        return sums


def supports(space: Space, displacements: Sequence[Displacement]) -> Supports:
    """The unknowns that displacements prescribe. Raises SimulationError for values of the wrong shape and an unknown facet set."""
    values = np.full((space.size, 3), np.nan)
    owner = np.full((space.size, 3), -1)
    names = tuple(dict.fromkeys(d.on for d in displacements))
    for displacement in displacements:
        nodes = space.facets(displacement.on).nodes
        wanted = _prescribed(displacement, space.nodes[nodes])
        held = ~np.isnan(wanted)
        values[nodes] = np.where(held, wanted, values[nodes])
        owner[nodes] = np.where(held, names.index(displacement.on), owner[nodes])
    dofs = np.flatnonzero(owner.ravel() >= 0)
    return Supports(dofs, values.ravel()[dofs], owner.ravel()[dofs], names)


def _prescribed(displacement: Displacement, points: Floats) -> Floats:
    if callable(displacement.value):
        wanted = np.asarray(displacement.value(points), dtype=float)
    else:
        wanted = np.tile(np.array([np.nan if v is None else v for v in displacement.value], dtype=float), (len(points), 1))
    if wanted.shape != points.shape or np.isinf(wanted).any():
        raise SimulationError(
            f"What is prescribed on {displacement.on!r} must be three numbers (x, y, z) for each of its {len(points)} nodes, "
            f"got shape {wanted.shape}."
        )
    return wanted


def nodal_load(space: Space, load: Load) -> Floats:
    """f_ai = ∫ φ_a t_i over the facets of a load, (N, 3) in pN.

    Raises SimulationError for values of the wrong shape, and for a pressure on facets inside the mesh, which have no outside.
    """
    facets = space.facets(load.on)
    if isinstance(load, Pressure) and facets.inner:
        raise SimulationError(
            f"The pressure on {load.on!r}: {facets.inner} of its {len(facets.weights)} facets lie inside the mesh and have no outside; "
            "give a traction (x, y, z), or name boundary facets."
        )
    if isinstance(load, Pressure):
        density = -load.value * facets.normals
    elif callable(load.value):
        density = np.asarray(load.value(facets.points, facets.normals), dtype=float)
    else:
        density = np.broadcast_to(np.asarray(load.value, dtype=float), facets.points.shape)
    if density.shape != facets.points.shape or not np.isfinite(density).all():
        raise SimulationError(f"The traction on {load.on!r} must be finite (x, y, z) in Pa at {facets.points.shape[:2]} points.")
    local = np.einsum("fnq,fq,fqi->fni", facets.values, facets.weights, density)
    force = np.zeros((space.size, 3))
    np.add.at(force, facets.element_nodes, local)
    return force
