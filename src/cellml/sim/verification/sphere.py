"""The sphere of Meyers, Craig & Odde: made at the membrane, lost inside, at rest.

    D Δu = k_p u inside,     D ∂ₙu = (k_kin R/3)(c_t − u) on the membrane
    u(r) = C sinh(φr)/r,     C = a c_t R² / [D(φR cosh φR − sinh φR) + a R sinh φR],     φ² = k_p/D,  a = k_kin R/3

u is the share of a protein that is phosphorylated at the membrane and dephosphorylated inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import process_time

import numpy as np
from numpy.typing import NDArray

from cellml.sim.dynamics import run
from cellml.sim.verification.balls import edge_length, icosahedral_ball
from cellml.sim.verification.convergence import Row
from cellml.sim.verification.errors import l2_error
from cellml.sim.verification.reference_models import reference_model


def sphere_concentration(points: NDArray[np.float64], values: Mapping[str, float]) -> NDArray[np.float64]:
    """The exact concentration at points (…, 3) in µm for values of the model's parameters, (…)."""
    D, R = values["D_u"], values["R"]
    phi, a = np.sqrt(values["k_p"] / D), values["k_kin"] * R / 3.0
    steep = phi * R * np.cosh(phi * R) - np.sinh(phi * R)
    C = a * values["c_t"] * R**2 / (D * steep + a * R * np.sinh(phi * R))
    r = np.linalg.norm(points, axis=-1)
    return np.asarray(C * phi * np.sinc(1j * phi * r / np.pi).real)  # sinh(φr)/(φr), also at r = 0


def sphere_rows(cells: Sequence[int]) -> list[Row]:
    """Relative L2 error of the steady state on balls of 20 n³ tetrahedra."""
    model, rows = reference_model("sphere"), []
    for n in cells:
        mesh, begin = icosahedral_ball(1000.0, n), process_time()
        dynamics = run(mesh, model)
        u = dynamics.states[np.inf]
        error = l2_error(mesh, u, lambda x: sphere_concentration(x, model.values()))
        rows.append(Row(edge_length(mesh), error, len(mesh.tets), len(u), 0, process_time() - begin))
    return rows
