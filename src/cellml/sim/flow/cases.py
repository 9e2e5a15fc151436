"""Reference cases of flow, advection and heat with a closed form."""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time

import numpy as np

from cellml.sim.analytic import ball, box, cylinder
from cellml.sim.direct import Solve
from cellml.sim.domain import Domain
from cellml.sim.errors import SimulationError
from cellml.sim.flow.advection import advection_matrix
from cellml.sim.flow.conditions import Opening, Velocity
from cellml.sim.flow.heat import Convection, TemperatureField, solve_heat
from cellml.sim.flow.stokes import Flow, solve_stokes
from cellml.sim.mechanics.cases import Row, next_row, relative_error
from cellml.sim.mechanics.curving import onto_cylinder, onto_sphere
from cellml.sim.mechanics.space import Floats, Space
from cellml.sim.mechanics.spheres import hollow_octant


def poiseuille_flow(refinements: int, *, isoparametric: bool, viscosity: float = 1e-3, drop: float = 10.0) -> Flow:
    """Flow through a tube of radius 1 µm and length 2 µm from an opening at `drop` (Pa) to one at 0; viscosity in Pa·s."""
    mesh = cylinder(1000.0, 2000.0, refinements=refinements, layers=2**refinements)
    ends = [Opening("cut_z0", drop), Opening("cut_z1", 0.0)]
    curved = {"membrane": onto_cylinder(1.0)} if isoparametric else None
    return solve_stokes(mesh, viscosity, velocities=[Velocity("membrane")], loads=ends, curved=curved)


def poiseuille_rows(refinements: Sequence[int], *, isoparametric: bool, quantity: str = "flow rate") -> list[Row]:
    """Error of Poiseuille's flow, w = Δp (R² − r²)/(4ηL), Q = πR⁴Δp/(8ηL); quantity: "flow rate" or "velocity" (L2)."""
    rows: list[Row] = []
    for refinement in refinements:
        start = process_time()
        flow = poiseuille_flow(refinement, isoparametric=isoparametric)
        seconds = process_time() - start
        points = flow.space.points
        along = 10.0 * (1.0 - points[..., 0] ** 2 - points[..., 1] ** 2) / (4.0 * 1e-3 * 2.0)
        exact = np.stack([0.0 * along, 0.0 * along, along], axis=-1)
        rate = np.pi * 10.0 / (8.0 * 1e-3 * 2.0)
        error = abs(flow.flux("cut_z1") / rate - 1.0) if quantity == "flow rate" else relative_error(flow.space, flow.nodal, exact)
        rows.append(next_row(rows, flow.space, 3, error, seconds))
    return rows


def manufactured_velocity(points: Floats) -> Floats:
    """A Beltrami field (…, 3), ∇·u = 0 and −Δu = 4u: u = (sin 2z + cos 2y, sin 2x + cos 2z, sin 2y + cos 2x)."""
    x, y, z = (2.0 * points[..., i] for i in range(3))
    return np.stack([np.sin(z) + np.cos(y), np.sin(x) + np.cos(z), np.sin(y) + np.cos(x)], axis=-1)


def manufactured_pressure(points: Floats) -> Floats:
    """The pressure cos πx cos πy + z² − 1/3, of mean 0 in the unit cube, at points (…, 3)."""
    x, y, z = (points[..., i] for i in range(3))
    return np.asarray(np.cos(np.pi * x) * np.cos(np.pi * y) + z**2 - 1.0 / 3.0)


def _manufactured_force(points: Floats) -> Floats:
    x, y, z = (points[..., i] for i in range(3))
    slope = [-np.sin(np.pi * x) * np.cos(np.pi * y), -np.cos(np.pi * x) * np.sin(np.pi * y)]
    return np.asarray(4.0 * manufactured_velocity(points) + np.stack([np.pi * slope[0], np.pi * slope[1], 2.0 * z], axis=-1))


def stokes_rows(cells: Sequence[int], *, quantity: str) -> list[Row]:
    """L2 error of "velocity" (order 3) or "pressure" (order 2) of a manufactured flow in the unit cube (µm), η = 1 Pa·s."""
    rows: list[Row] = []
    for n in cells:
        start = process_time()
        mesh = box((1000.0, 1000.0, 1000.0), (n, n, n))
        flow = solve_stokes(mesh, 1.0, velocities=[Velocity("membrane", manufactured_velocity)], body_force=_manufactured_force)
        seconds = process_time() - start
        space = Space(mesh, 2 if quantity == "velocity" else 1, degree=6)
        exact = manufactured_velocity if quantity == "velocity" else manufactured_pressure
        error = relative_error(space, flow.nodal if quantity == "velocity" else flow.nodal_pressure, exact(space.points))
        rows.append(next_row(rows, flow.space, 3, error, seconds))
    return rows


def advected_profile(cells: int, *, speed: float, diffusivity: float, upwind: str = "none") -> tuple[Domain, Floats]:
    """Concentration (N,) held at 0 and 1 at the ends of a rod 1 µm long along which fluid moves at a speed (µm/s)."""
    from scipy.sparse.linalg import splu

    mesh = box((1000.0, 250.0, 250.0), (cells, max(1, cells // 4), max(1, cells // 4)), cuts=("x0", "x1"))
    domain = Domain(mesh)
    x = domain.coordinates[:, 0]
    w = np.tile([speed, 0.0, 0.0], (len(x), 1))
    A = (diffusivity * domain.stiffness + advection_matrix(domain, w, diffusivity=diffusivity, upwind=upwind)).tocsr()
    c = np.where(x > 1.0 - 1e-9, 1.0, 0.0)
    free = np.flatnonzero((x > 1e-9) & (x < 1.0 - 1e-9))
    solve: Solve = splu(A[free][:, free].tocsc()).solve
    c[free] = solve(-(A @ c)[free])
    return domain, c


def advection_rows(cells: Sequence[int], *, speed: float = 5.0, upwind: str = "none") -> list[Row]:
    """L2 error of the profile (e^{wx/D} − 1)/(e^{w/D} − 1) with D = 1 µm²/s."""
    rows: list[Row] = []
    for n in cells:
        start = process_time()
        domain, c = advected_profile(n, speed=speed, diffusivity=1.0, upwind=upwind)
        seconds = process_time() - start
        space = Space(domain.mesh, 1, degree=6)
        exact = np.expm1(speed * space.points[..., 0]) / np.expm1(speed)
        rows.append(next_row(rows, space, 1, relative_error(space, c, exact), seconds))
    return rows


def heated_sphere_rows(refinements: Sequence[int], *, order: int, isoparametric: bool) -> list[Row]:
    """L2 error of T − T∞ = qR/(3h) + q(R² − r²)/(6k), a ball (R = 1 µm) with a uniform source that cools by convection."""
    q, k, h = 6.0, 2.0, 3.0
    rows: list[Row] = []
    for refinement in refinements:
        start = process_time()
        curved = {"membrane": onto_sphere(1.0)} if isoparametric else None
        field = solve_heat(ball(1000.0, refinement), k, [Convection("membrane", h, 0.0)], sources=q, order=order, curved=curved)
        seconds = process_time() - start
        exact = q / (3.0 * h) + q * (1.0 - (field.space.points**2).sum(axis=-1)) / (6.0 * k)
        rows.append(next_row(rows, field.space, 1, relative_error(field.space, field.nodal, exact), seconds))
    return rows


def layered_temperature(r: Floats) -> Floats:
    """T − T∞ at radius r (µm) of two shells 0.5 < r < 1 < r < 2 with k = 1 and 4, a source q = 6 in the inner one, h = 3 outside.

    The heat that leaves radius r is q (min(r, b)³ − a³)/3 per solid angle; T follows by integration from the outside:
    T(c) = Q/(c²h), T = T(c) + (Q/k₂)(1/r − 1/c) for r > b, T = T(b) + q/(3k₁) [(b² − r²)/2 + a³(1/b − 1/r)] for r < b, Q = q(b³ − a³)/3.
    """
    a, b, c, k1, k2, q, h = 0.5, 1.0, 2.0, 1.0, 4.0, 6.0, 3.0
    Q = q * (b**3 - a**3) / 3.0
    outer = Q / (c**2 * h) + Q / k2 * (1.0 / r - 1.0 / c)
    at_b = Q / (c**2 * h) + Q / k2 * (1.0 / b - 1.0 / c)
    return np.where(r > b, outer, at_b + q / (3.0 * k1) * ((b**2 - r**2) / 2.0 + a**3 * (1.0 / b - 1.0 / r)))


def layered_sphere(cells: int, *, order: int, isoparametric: bool) -> TemperatureField:
    """The two shells of `layered_temperature`, an eighth of them, with `cells` edges along each side and half as many across each shell."""
    if cells < 2:
        raise SimulationError(f"cells is {cells}; an eighth of two shells needs 2 at least.")
    mesh = hollow_octant((500.0, 1000.0, 2000.0), cells, (cells // 2, cells // 2))
    spheres = {"inner": onto_sphere(0.5), "between 1 and 2": onto_sphere(1.0), "outer": onto_sphere(2.0)}
    return solve_heat(
        mesh,
        {"shell 1": 1.0, "shell 2": 4.0},
        [Convection("outer", 3.0, 0.0)],
        sources={"shell 1": 6.0, "shell 2": 0.0},
        order=order,
        curved=spheres if isoparametric else None,
    )


def layered_sphere_rows(cells: Sequence[int], *, order: int, isoparametric: bool) -> list[Row]:
    """L2 error of the temperature of two shells of different conductivity."""
    rows: list[Row] = []
    for n in cells:
        start = process_time()
        field = layered_sphere(n, order=order, isoparametric=isoparametric)
        seconds = process_time() - start
        exact = layered_temperature(np.linalg.norm(field.space.points, axis=-1))
        rows.append(next_row(rows, field.space, 1, relative_error(field.space, field.nodal, exact), seconds))
    return rows
