"""Stress–strain curves and indentation: one facet set moved along an axis in steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.conditions import Components, Displacement
from cellml.sim.mechanics.linear import solve_elastic
from cellml.sim.mechanics.material import Materials
from cellml.sim.mechanics.newton import load_path
from cellml.sim.mechanics.problem import pose
from cellml.sim.mechanics.solution import ElasticSolution
from cellml.sim.mechanics.space import Floats, Projection, Space
from cellml.types import TetMesh


@dataclass(frozen=True, eq=False)
class StressStrain:
    """A curve of S steps.

    strain: (S,) engineering strain, displacement over length; stress: (S,) nominal stress in Pa, force over undeformed area; displacement:
    (S,) in µm; force: (S,) in pN along the axis on the moved facets, positive in tension along +axis; energy: (S,) in pN·µm; length in µm;
    area in µm²; last: the solution at the last step.
    """

    strain: Floats
    stress: Floats
    displacement: Floats
    force: Floats
    energy: Floats
    length: float
    area: float
    last: ElasticSolution


def stress_strain(
    mesh: TetMesh,
    materials: Materials,
    *,
    moved: str,
    axis: str,
    strains: Sequence[float],
    held: Sequence[Displacement],
    slips: bool = False,
    law: str = "neo_hookean",
    length: float | None = None,
    area: float | None = None,
    order: int = 2,
    curved: Mapping[str, Projection] | None = None,
) -> StressStrain:
    """Move the facets `moved` along x, y or z by strain × length, and read the force that it takes.

    strains: (S,) in the order in which they are reached, negative pushes against the axis (an indentation from above has axis "z" and
    negative strains); held: what holds the body elsewhere; slips: whether the moved facets may slide sideways; law: "neo_hookean" or
    "linear"; length: of reference in µm, the extent of the mesh along the axis if left out; area: in µm², of the moved facets if left out.
    Raises SimulationError for an unknown axis or law, strains that are none or all zero, and whatever the solver raises.
    """
    if axis not in ("x", "y", "z") or law not in ("neo_hookean", "linear"):
        raise SimulationError(f"axis {axis!r} must be x, y or z, and law {law!r} neo_hookean or linear.")
    steps = np.asarray(strains, dtype=float).ravel()
    if len(steps) == 0 or not np.isfinite(steps).all() or not steps.any():
        raise SimulationError(f"A stress–strain curve needs finite strains, one of them other than 0; got {list(strains)}.")
    number, space = "xyz".index(axis), Space(mesh, order, curved or {})
    length = float(np.ptp(space.nodes[:, number])) if length is None else length
    area = space.facets(moved).area if area is None else area
    largest = float(steps[np.abs(steps).argmax()])
    value: list[float | None] = [None if slips else 0.0] * 3
    value[number] = largest * length
    conditions = [*held, Displacement(moved, _components(value))]
    if law == "linear":
        whole = solve_elastic(mesh, materials, displacements=conditions, order=order, curved=curved)
        last, fractions = whole, steps / largest
        force, energy = fractions * whole.reactions[moved][number], fractions**2 * whole.energy
    else:
        path = list(load_path(pose(mesh, materials, conditions, (), order, curved), list(steps / largest)))
        last, force, energy = path[-1], np.array([s.reactions[moved][number] for s in path]), np.array([s.energy for s in path])
    return StressStrain(steps, force / area, steps * length, force, energy, length, area, last)


def _components(value: list[float | None]) -> Components:
    x, y, z = value
    return (x, y, z)


def uniaxial_neo_hookean(lam: float, mu: float, stretches: Sequence[float]) -> Floats:
    """Nominal stress (S,) in Pa of a neo-Hookean bar stretched by s with free sides.

    The side's stretch t solves μ(t² − 1) + λ ln(s t²) = 0, and the stress is μ(s − 1/s) + (λ/s) ln(s t²). Raises SimulationError for s ≤ 0.
    """
    from scipy.optimize import brentq

    if min(stretches) <= 0.0:
        raise SimulationError(f"A stretch of {min(stretches)} is impossible; it must be positive.")
    stresses = []
    for s in stretches:
        balance = lambda log_t, s=s: mu * (np.exp(2.0 * log_t) - 1.0) + lam * (np.log(s) + 2.0 * log_t)  # noqa: E731
        bound = abs(np.log(s)) + 1.0
        log_t = brentq(balance, -bound, bound, xtol=1e-15)
        stresses.append(mu * (s - 1.0 / s) + lam / s * (np.log(s) + 2.0 * log_t))
    return np.array(stresses)
