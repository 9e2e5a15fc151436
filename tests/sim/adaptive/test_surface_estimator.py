from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.adaptive.quadrature import TRIANGLE_POINTS
from cellml.sim.adaptive.surface import Membrane, solve_membrane, surface_indicators
from cellml.sim.analytic import ball
from cellml.sim.errors import SimulationError


def sphere(refinements: int) -> Membrane:
    mesh = ball(1000.0, refinements)
    used, faces = np.unique(mesh.facets, return_inverse=True)
    return Membrane(mesh.points[used] * 1e-3, faces.reshape(-1, 3), 0.5, 2.0)


def tilted_square(cells: int) -> Membrane:
    """The unit square in a plane that is parallel to no axis."""
    from skfem import MeshTri

    mesh = MeshTri.init_tensor(*(np.linspace(0, 1, cells + 1),) * 2)
    frame = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0][:2]
    return Membrane(mesh.p.T @ frame, mesh.t.T.astype(np.int64), 0.5, 2.0)


def test_effectivity_on_a_tilted_square():
    """−½ Δu + 2u = f, no flux through the border, u = cos πs cos πt: a(u, u) = (½·2π² + 2) / 4."""
    frame = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0][:2]
    none, errors, ratios = np.zeros(0, np.int64), [], []
    for cells in (8, 16, 32):
        membrane = tilted_square(cells)
        source = (np.pi**2 + 2) * np.cos(np.pi * membrane.quadrature() @ frame.T).prod(axis=2)
        u = solve_membrane(membrane, source, none, np.zeros(0))
        errors.append(np.sqrt((np.pi**2 + 2) / 4 - u @ (membrane.matrix @ u)))
        ratios.append(surface_indicators(membrane, u, source, none).total / errors[-1])
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(1.0, abs=0.03)
    assert all(5.0 < ratio < 6.5 for ratio in ratios)


def test_estimator_halves_with_the_mesh_size_on_the_sphere():
    """−½ Δ_Γ u + 2u = 3x has the solution x, as −Δ_Γ x = 2x."""
    totals, none = [], np.zeros(0, np.int64)
    for refinements in (3, 4):
        membrane = sphere(refinements)
        source = 3.0 * membrane.quadrature()[:, :, 0]
        u = solve_membrane(membrane, source, none, np.zeros(0))
        assert np.abs(u - membrane.points[:, 0]).max() < 0.5 * membrane.areas.max()
        totals.append(surface_indicators(membrane, u, source, none).total)
    assert np.log2(totals[0] / totals[1]) == pytest.approx(1.0, abs=0.1)


def test_conormal_jump_of_a_roof_by_hand():
    """Two triangles that meet at a right angle: u rises by 1 towards the ridge on one and by ½ on the other; the conormal fluxes add."""
    points = np.array([[0.0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1.0]])
    membrane = Membrane(points, np.array([[0, 2, 1], [0, 1, 3]]))
    u = np.array([1.0, 1.0, 0.0, 0.5])
    fixed = np.arange(4)
    indicators = surface_indicators(membrane, u, np.zeros((2, len(TRIANGLE_POINTS))), fixed)
    np.testing.assert_allclose(indicators.jumps, 0.5 * 1.0 * 1.0 * (1.0 + 0.5) ** 2)
    np.testing.assert_allclose(indicators.interior, 0.0)


def test_three_membranes_that_meet_obey_kirchhoff():
    """A linear rise on one sheet that splits evenly over two others leaves no jump where they meet."""
    points = np.array([[0.0, 0, 0], [0, 1, 0], [-1, 0, 0], [1, 0, 0], [0, 0, 1.0], [-1, 1, 0], [1, 1, 0], [0, 1, 1.0]])
    triangles = np.array([[0, 1, 2], [1, 5, 2], [0, 3, 1], [1, 3, 6], [0, 4, 1], [1, 4, 7]])
    membrane = Membrane(points, triangles)
    u = np.array([0.0, 0, 1, -0.5, -0.5, 1, -0.5, -0.5])
    indicators = surface_indicators(membrane, u, np.zeros((6, len(TRIANGLE_POINTS))), np.array([2, 5, 3, 6, 4, 7]))
    assert indicators.total < 1e-12
    u[4] = u[7] = 0.0
    assert surface_indicators(membrane, u, np.zeros((6, len(TRIANGLE_POINTS))), np.array([2, 5, 3, 6, 4, 7])).total > 0.1


def test_open_level_is_refused():
    membrane = sphere(1)
    with pytest.raises(SimulationError, match="leaves the level"):
        solve_membrane(Membrane(membrane.points, membrane.triangles), np.ones((len(membrane.triangles), 7)), np.zeros(0, int), np.zeros(0))
