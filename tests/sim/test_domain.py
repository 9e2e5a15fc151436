from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import ball, box
from cellml.sim.domain import Domain, components, require_connected
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh


def test_matrices_equal_their_closed_forms_on_every_element():
    domain = Domain(ball(700.0, 1))
    K, M = _matrices_by_hand(domain.coordinates, np.searchsorted(domain.nodes, domain.mesh.tets))
    assert np.abs(domain.stiffness.toarray() - K).max() <= 1e-13 * np.abs(K).max()
    assert np.abs(domain.mass.toarray() - M).max() <= 1e-13 * np.abs(M).max()


def test_nanometres_become_micrometres_once():
    domain = Domain(box((200.0, 300.0, 1000.0), (1, 1, 2)))
    ones, z = np.ones(len(domain.nodes)), domain.coordinates[:, 2]
    assert domain.volume == pytest.approx(0.06)
    assert ones @ domain.mass @ ones == pytest.approx(0.06)
    assert z @ domain.stiffness @ z == pytest.approx(0.06)  # |∇z| = 1
    assert domain.extent() == pytest.approx(1.0, rel=0.1)


def test_facet_areas_are_in_square_micrometres(rod, nodes_of):
    domain = Domain(rod)
    assert domain.facet_areas(nodes_of(domain, "cut_z0")).sum() == pytest.approx(0.06)


def test_points_without_tetrahedron_get_no_unknown_and_nan():
    mesh = box((1.0, 1.0, 1.0), (1, 1, 1))
    lonely = TetMesh(np.vstack([[[9.0, 9.0, 9.0]], mesh.points]), mesh.tets + 1, mesh.regions)
    domain = Domain(lonely)
    values = domain.field(np.arange(len(domain.nodes), dtype=float))
    assert len(domain.nodes) == len(mesh.points)
    assert np.isnan(values[0])
    assert np.isfinite(values[1:]).all()
    with pytest.raises(SimulationError, match="1 corners outside all tetrahedra"):
        domain.local(np.array([[0, 1, 2]]))


def test_parts_that_touch_in_an_edge_are_two_parts():
    points = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], float)
    mesh = TetMesh(points, np.array([[0, 2, 3, 1], [0, 4, 5, 1]]), np.ones(2, np.int32), name="hinge")
    assert components(mesh) == 2
    assert components(ball(1.0, 1)) == 1
    with pytest.raises(SimulationError, match=r"'hinge' falls into 2 parts"):
        require_connected(mesh)


def _matrices_by_hand(points, tets):
    """K and M of P1, one element at a time: ∇φ from the inverse of the corner matrix, M = V (1 + δ_ij) / 20."""
    K, M = np.zeros((len(points), len(points))), np.zeros((len(points), len(points)))
    for tet in tets:
        corners = np.column_stack([np.ones(4), points[tet]])
        volume = abs(np.linalg.det(corners)) / 6
        gradients = np.linalg.inv(corners)[1:]
        for i in range(4):
            for j in range(4):
                K[tet[i], tet[j]] += volume * gradients[:, i] @ gradients[:, j]
                M[tet[i], tet[j]] += volume * (2 if i == j else 1) / 20
    return K, M
