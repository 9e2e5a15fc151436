"""Two well-mixed compartments with a permeable membrane between them: concentrations jump across it and relax exponentially.

    V_i ċ_i = P S (c_o − c_i) = −V_o ċ_o,     c_i − c_o ∝ exp(−P S (1/V_i + 1/V_o) t)

V and S are those of the mesh.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cellml.sim.dynamics import run
from cellml.sim.verification.balls import icosahedral_ball
from cellml.sim.verification.reference_models import reference_model
from cellml.types import TetMesh


def nested_balls(cells: int) -> TetMesh:
    """A ball of 1 µm of 20 · (2n)³ tetrahedra, the inner half of its radius named ER and its surface ER_membrane, the rest cytosol."""
    whole = icosahedral_ball(1000.0, 2 * cells)
    radii = np.linalg.norm(whole.points, axis=1)
    # Points lie on spheres, so that a tetrahedron is inside if none of its corners is outside.
    inner = (radii[whole.tets] <= 500.0 + 1e-6).all(axis=1)
    faces = np.concatenate([whole.tets[inner][:, k] for k in ([1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1])])
    between = faces[np.abs(radii[faces] - 500.0).max(axis=1) < 1e-6]
    return replace(
        whole,
        regions=np.where(inner, 2, 1).astype(np.int32),
        region_names={1: "cytosol", 2: "ER"},
        facets=np.concatenate([whole.facets, between]),
        facet_tags=np.concatenate([whole.facet_tags, np.full(len(between), 2, np.int32)]),
        facet_names={1: "membrane", 2: "ER_membrane"},
        name="nested balls",
    )


def exchange_error(cells: int = 2, steps: int = 200) -> float:
    """Largest deviation of the mean of either compartment from the closed form over 2 s, over the largest concentration."""
    model = reference_model("exchange", steps=steps)
    dynamics = run(nested_balls(cells), model)
    system, values = dynamics.system, model.values()
    V_o, V_i = (system.space_of(name).measure for name in ("outside", "inside"))
    S = system.terms[0].space.measure
    outside, inside = (dynamics.courses[f"{name}_mean_final"] for name in ("outside", "inside"))
    c_o, c_i = values["outside_initial"], values["inside_initial"]
    mixed = (V_o * c_o + V_i * c_i) / (V_o + V_i)
    fading = np.exp(-values["P"] * S * (1.0 / V_i + 1.0 / V_o) * outside.times)
    deviations = [outside.values - (mixed + (c_o - mixed) * fading), inside.values - (mixed + (c_i - mixed) * fading)]
    return float(np.abs(deviations).max() / max(c_o, c_i))
