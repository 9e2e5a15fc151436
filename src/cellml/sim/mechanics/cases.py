"""Reference cases of elasticity with a closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np

from cellml.sim.mechanics.conditions import Displacement, Pressure
from cellml.sim.mechanics.curving import onto_sphere
from cellml.sim.mechanics.linear import solve_elastic
from cellml.sim.mechanics.material import Elastic
from cellml.sim.mechanics.solution import ElasticSolution
from cellml.sim.mechanics.space import Floats, Space
from cellml.sim.mechanics.spheres import hollow_octant


@dataclass(frozen=True)
class Row:
    """One mesh of a convergence study.

    h: size of a tetrahedron in µm; error: relative, in L2; order: against the mesh before, NaN for the first; seconds: of the processor.
    """

    tets: int
    unknowns: int
    h: float
    error: float
    order: float
    seconds: float


def lame_displacement(points: Floats, material: Elastic, *, inner: float, outer: float, p_inner: float, p_outer: float = 0.0) -> Floats:
    """Lamé's hollow sphere, u = (A r + B/r²) e_r at points (…, 3) in µm; radii in µm, pressures in Pa.

    A = (p_i a³ − p_o b³) / ((3λ + 2μ)(b³ − a³)), B = (p_i − p_o) a³ b³ / (4μ (b³ − a³)).
    """
    lam, mu = material.lame
    a, b = inner**3, outer**3
    A = (p_inner * a - p_outer * b) / ((3.0 * lam + 2.0 * mu) * (b - a))
    B = (p_inner - p_outer) * a * b / (4.0 * mu * (b - a))
    r = np.linalg.norm(points, axis=-1, keepdims=True)
    return np.asarray((A + B / r**3) * points)


def lame_solution(cells: int, material: Elastic, *, order: int, isoparametric: bool, pressure: float = 100.0) -> ElasticSolution:
    """An eighth of the hollow sphere 1 µm < r < 2 µm under a pressure (Pa) inside, with `cells` edges along each side."""
    mesh = hollow_octant((1000.0, 2000.0), cells, (max(1, cells // 2),))
    planes = [Displacement("x0", (0.0, None, None)), Displacement("y0", (None, 0.0, None)), Displacement("z0", (None, None, 0.0))]
    curved = {"inner": onto_sphere(1.0), "outer": onto_sphere(2.0)} if isoparametric else None
    return solve_elastic(mesh, material, displacements=planes, loads=[Pressure("inner", pressure)], order=order, curved=curved)


def lame_rows(poisson: float, cells: Sequence[int], *, order: int, isoparametric: bool = False, pressure: float = 100.0) -> list[Row]:
    """Relative L2 error of the displacement of Lamé's hollow sphere (E = 1 kPa) on meshes with `cells` edges along each side."""
    material = Elastic(1000.0, poisson)
    rows: list[Row] = []
    for n in cells:
        start = process_time()
        solution = lame_solution(n, material, order=order, isoparametric=isoparametric, pressure=pressure)
        seconds = process_time() - start
        fine = Space(solution.space.mesh, order, solution.space.curved, degree=6)
        exact = lame_displacement(fine.points, material, inner=1.0, outer=2.0, p_inner=pressure)
        error = relative_error(fine, solution.nodal, exact)
        rows.append(next_row(rows, solution.space, 3, error, seconds))
    return rows


def relative_error(space: Space, nodal: Floats, exact: Floats) -> float:
    """‖u_h − u‖ / ‖u‖ in L2 for a nodal field (N, …) against exact values (T, Q, …) at the quadrature points of its space."""
    difference = space.at_quadrature(nodal) - exact
    weights = space.weights.reshape(*space.weights.shape, *[1] * (exact.ndim - 2))
    return float(np.sqrt((weights * difference**2).sum() / (weights * exact**2).sum()))


def next_row(rows: Sequence[Row], space: Space, components: int, error: float, seconds: float) -> Row:
    """The row of a mesh after others; h is the cube root of the mean volume of a tetrahedron."""
    tets = len(space.mesh.tets)
    h = float((space.weights.sum() / tets) ** (1.0 / 3.0))
    order = float(np.log(rows[-1].error / error) / np.log(rows[-1].h / h)) if rows else float("nan")
    return Row(tets, components * space.size, h, error, order, seconds)
