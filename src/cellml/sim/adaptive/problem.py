"""Steady linear problems on a TetMesh with named boundary conditions.

    −∇·(D ∇u) + κ u = f   in the volume,        u = g   on `values`,        D ∂ₙu + α u = q   on `exchange`,

and no flux through all other facets. u is continuous everywhere; on facets inside the volume, the sum of D ∂ₙu of both sides takes the
place of D ∂ₙu. Lengths are µm and times s, so that D is µm²/s and α µm/s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from cellml.sim.adaptive.edges import Floats, Index
from cellml.sim.domain import UM_PER_NM
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh

# A number, a number for each region by name, or a function of points (N, 3) in µm that returns (N,).
Field = float | Mapping[str, float] | Callable[[Floats], Floats]


@dataclass(frozen=True)
class Exchange:
    """D ∂ₙu + α u = q: a flux into the volume (q in amount µm⁻² s⁻¹) and a permeability (α in µm/s); Neumann's condition with α = 0."""

    permeability: Field = 0.0
    flux: Field = 0.0


@dataclass(frozen=True)
class SteadyProblem:
    """D, κ (1/s), f, and what holds on named facets. D and κ are taken constant in each tetrahedron, with their value at its centre."""

    diffusion: Field = 1.0
    decay: Field = 0.0
    source: Field = 0.0
    values: Mapping[str, Field] = field(default_factory=dict)
    exchange: Mapping[str, Exchange] = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """A linear functional J(u) = ∫ ψ u dx + Σ ∫ w u ds over named facets. density: ψ; facets: w by name."""

    density: Field = 0.0
    facets: Mapping[str, Field] = field(default_factory=dict)


def on_tets(mesh: TetMesh, given: Field, barycentric: Floats) -> Floats:
    """A field at points (Q, 4), barycentric, of each tetrahedron: (T, Q). Raises SimulationError for regions without a value."""
    if callable(given):
        points = np.einsum("qi,tij->tqj", barycentric, mesh.points[mesh.tets]) * UM_PER_NM
        return _evaluated(given, points)
    if isinstance(given, Mapping):
        numbers, inverse = np.unique(mesh.regions, return_inverse=True)
        values = [_of_region(mesh, given, int(n)) for n in numbers]
        return np.repeat(np.asarray(values, float)[inverse][:, None], len(barycentric), axis=1)
    return np.full((len(mesh.tets), len(barycentric)), float(given))


def on_triangles(mesh: TetMesh, triangles: Index, given: Field, barycentric: Floats) -> Floats:
    """A field at points (Q, 3), barycentric, of triangles (F, 3): (F, Q). Raises SimulationError if it is given by region."""
    if callable(given):
        return _evaluated(given, np.einsum("qi,tij->tqj", barycentric, mesh.points[triangles]) * UM_PER_NM)
    if isinstance(given, Mapping):
        raise SimulationError(
            f"Facets belong to no region, but a value on them was given for {', '.join(given)}; give a number or a function."
        )
    return np.full((len(triangles), len(barycentric)), float(given))


def at_points(mesh: TetMesh, points: Index, given: Field) -> Floats:
    """A field at points of the mesh (N,). Raises SimulationError if it is given by region."""
    if isinstance(given, Mapping):
        raise SimulationError(f"Fixed values belong to no region, but one was given for {', '.join(given)}; give a number or a function.")
    return _evaluated(given, mesh.points[points] * UM_PER_NM) if callable(given) else np.full(len(points), float(given))


def _evaluated(given: Callable[[Floats], Floats], points: Floats) -> Floats:
    flat = points.reshape(-1, 3)
    values = np.asarray(given(flat), dtype=float)
    if values.shape != (len(flat),):
        raise SimulationError(f"A field returned shape {values.shape} for {len(flat)} points; it must return one number for each.")
    if not np.isfinite(values).all():
        first = flat[~np.isfinite(values)][0]
        raise SimulationError(f"A field is not finite at {int((~np.isfinite(values)).sum())} points, the first at {first} µm.")
    return values.reshape(points.shape[:-1])


def _of_region(mesh: TetMesh, given: Mapping[str, float], number: int) -> float:
    name = mesh.region_names.get(number, str(number))
    if name not in given:
        raise SimulationError(f"Region {name!r} of {mesh.name!r} has no value; values are given for {', '.join(given) or 'none'}.")
    return float(given[name])
