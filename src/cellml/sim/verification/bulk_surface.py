"""Decays of molecules that diffuse in the unit ball, bind to its membrane and diffuse there; and of diffusion on the sphere alone.

With u = j_l(kr) Y_l exp(−λt), λ = D k², and a bound form proportional to Y_l,

    (D k j_l'(k) + k_on j_l(k)) (−λ + D_s l(l + 1) + k_off) = k_on k_off j_l(k),

and on the sphere alone λ = D_s l(l + 1)/R². The discrete λ are eigenvalues of the engine's own matrices, (A − ∂S/∂y) v = λ M v.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time
from typing import Any

import numpy as np

from cellml.sim.engine.jacobian import Jacobian
from cellml.sim.engine.system import System, build_system
from cellml.sim.verification.balls import edge_length, icosahedral_ball
from cellml.sim.verification.convergence import Row
from cellml.sim.verification.reference_models import reference_model

EXACT = 1.19148866  # slowest decay with l = 1 for the values of the model
DEGREES = (1, 2, 3, 4)


def decay_equation(decay: float, degree: int, *, D: float = 1.0, D_s: float = 0.5, k_on: float = 2.0, k_off: float = 0.7) -> float:
    """Left minus right side of the equation for λ (1/s), whose roots are the decays of degree l on the unit ball."""
    from scipy.special import spherical_jn

    k = np.sqrt(decay / D)
    value, slope = spherical_jn(degree, k), spherical_jn(degree, k, derivative=True)
    flux = D * k * slope + k_on * value
    return float(flux * (-decay + D_s * degree * (degree + 1) + k_off) - k_on * k_off * value)


def coupled_rows(cells: Sequence[int], *, equal_volume: bool = False) -> list[Row]:
    """Relative error of the slowest decay with l = 1 on balls of 20 n³ tetrahedra (`icosahedral_ball`)."""
    model, rows = reference_model("bulk_surface"), []
    for n in cells:
        mesh, begin = icosahedral_ball(1000.0, n, equal_volume=equal_volume), process_time()
        system = build_system(mesh, model)
        found = _decay_of_degree_one(system)
        rows.append(Row(edge_length(mesh), abs(found / EXACT - 1.0), len(mesh.tets), system.size, 0, process_time() - begin))
    return rows


def _decay_of_degree_one(system: System) -> float:
    """λ with the coordinates as first guess, by inverse iteration towards the exact value; the three modes of l = 1 are averaged."""
    from scipy.sparse.linalg import splu

    values = system.model.values()
    A = Jacobian(system, system.transport(values))(np.zeros(system.size), 0.0, values, 0.0, 1.0)
    mass = system.mass
    # A little off the exact value, so that the matrix is not singular where the mesh is fine.
    shift = 0.95 * EXACT
    factor = splu((A - shift * mass).tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.1, options={"SymmetricMode": True})
    modes = np.vstack([system.space_of(name).coordinates for name in system.slices])
    before = np.zeros(3)
    while True:
        modes, _ = np.linalg.qr(factor.solve(mass @ modes))
        small = np.linalg.solve(modes.T @ (mass @ modes), modes.T @ (A @ modes))
        found = np.sort(np.linalg.eigvals(small).real)
        if np.abs(found - before).max() < 1e-11:
            return float(found.mean())
        before = found


def surface_rows(cells: Sequence[int], degree: int) -> list[Row]:
    """Relative error of the mean of the 2l + 1 eigenvalues of degree l of diffusion on the membrane of balls of 20 n³ tetrahedra."""
    model, rows = reference_model("bulk_surface"), []
    exact = model.values()["D_B"] * degree * (degree + 1)
    for n in cells:
        mesh, begin = icosahedral_ball(1000.0, n), process_time()
        space = build_system(mesh, model).space_of("B")
        found = np.sort(_smallest(model.values()["D_B"] * space.stiffness, space.mass, (degree + 1) ** 2, exact))
        error = abs(float(found[degree**2 :].mean()) / exact - 1.0)
        rows.append(Row(float(np.sqrt(space.sizes.mean())), error, len(mesh.tets), len(space.nodes), 0, process_time() - begin))
    return rows


def _smallest(stiffness: Any, mass: Any, count: int, scale: float) -> Any:
    """The smallest eigenvalues of a symmetric pair; a negative shift keeps the constant mode from making it singular."""
    from scipy.sparse.linalg import eigsh

    start = np.random.default_rng(0).normal(size=mass.shape[0])
    return eigsh(stiffness, count, mass, sigma=-0.1 * scale, which="LM", v0=start, return_eigenvectors=False)
