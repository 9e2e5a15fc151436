from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import box, cylinder
from cellml.sim.conductance import shape_factor
from cellml.sim.domain import Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.errors import SimulationError


def _between(mesh, first, second):
    domain = Domain(mesh)
    return shape_factor(domain, Enrichment(domain), *(domain.local(mesh.facets_named(name)) for name in (first, second)))


def test_straight_tubes_are_exact(rod, nodes_of):
    found = _between(rod, "cut_z0", "cut_z1")
    assert found.value == pytest.approx(0.2 * 0.3 / 1.0, rel=1e-12)
    assert found.error <= 1e-11 * found.value
    assert found.field == pytest.approx(1.0 - rod.points[:, 2] / 1000.0, abs=1e-12)


def test_cylinder_conducts_as_its_polygonal_section(nodes_of):
    mesh = cylinder(250.0, 1000.0, refinements=3, layers=6)
    domain = Domain(mesh)
    section = domain.facet_areas(nodes_of(domain, "cut_z0")).sum()
    assert _between(mesh, "cut_z0", "cut_z1").value == pytest.approx(section / 1.0, rel=1e-12)
    assert section == pytest.approx(np.pi * 0.25**2, rel=0.01)


@pytest.mark.parametrize("n", [2, 4])
def test_the_stated_error_holds_at_a_reentrant_edge_and_is_not_idle(bend, n):
    # Three squares in an L: modulus 2 × 1.279261571171 (Papamichael & Stylianopoulos, Numerical Conformal Mapping, 2010)
    exact = 1.0 / (2 * 1.279261571171)
    found = _between(bend(n), "cut_x1", "cut_y1")
    assert abs(found.value - exact) <= found.error <= 4.0 * abs(found.value - exact)
    assert found.value > exact  # Dirichlet's principle


def test_direction_does_not_matter(bend):
    mesh = bend(2)
    assert _between(mesh, "cut_x1", "cut_y1").value == pytest.approx(_between(mesh, "cut_y1", "cut_x1").value, rel=1e-9)


def test_touching_faces_are_refused():
    mesh = box((100.0, 100.0, 100.0), (2, 2, 2), cuts=("z0", "x0"))
    with pytest.raises(SimulationError, match=r"share 3 points of 'box': the flux between touching faces is infinite"):
        _between(mesh, "cut_z0", "cut_x0")
