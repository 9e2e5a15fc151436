from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.sim.analytic import ball, box
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.assembly import isotropic_stiffness
from cellml.sim.mechanics.curving import onto_cylinder, onto_level, onto_sphere
from cellml.sim.mechanics.space import Space, by_region
from cellml.sim.mechanics.spheres import hollow_octant
from cellml.types import TetMesh


def quadratic(p):
    return 1.0 + p[..., 0] - 2.0 * p[..., 1] * p[..., 2] + p[..., 0] ** 2


def test_order_2_holds_every_quadratic_and_its_gradient():
    space = Space(box((300.0, 200.0, 100.0), (2, 1, 1)), 2)
    nodal = quadratic(space.nodes)
    assert space.at_quadrature(nodal) == pytest.approx(quadratic(space.points), abs=1e-13)
    slope = np.einsum("tn,tniq->tqi", nodal[space.element_nodes], space.gradients)
    x, y, z = (space.points[..., i] for i in range(3))
    assert slope == pytest.approx(np.stack([1 + 2 * x, -2 * z, -2 * y], axis=-1), abs=1e-12)


def test_nodes_begin_with_the_corners_of_the_domain():
    space = Space(ball(500.0, 1), 2)
    assert space.nodes[: len(space.domain.nodes)] == pytest.approx(space.domain.coordinates)
    assert np.isfinite(space.everywhere(space.nodes)).all()


def test_curved_spheres_have_the_area_and_volume_of_spheres(observed_order):
    sizes, areas, volumes = [], [], []
    for n in (2, 4, 8):
        space = Space(hollow_octant((1000.0, 2000.0), n, (n // 2,)), 2, {"inner": onto_sphere(1.0), "outer": onto_sphere(2.0)})
        sizes.append(1.0 / n)
        areas.append(abs(space.facets("outer").area / (2.0 * np.pi) - 1.0))
        volumes.append(abs(space.weights.sum() / (7.0 * np.pi / 6.0) - 1.0))
    assert areas[-1] < 1e-4 and volumes[-1] < 1e-4
    assert observed_order(sizes, areas) > 3.5 and observed_order(sizes, volumes) > 3.5


def test_normals_of_a_curved_sphere_point_outwards():
    space = Space(hollow_octant((1000.0, 2000.0), 8, (4,)), 2, {"inner": onto_sphere(1.0), "outer": onto_sphere(2.0)})
    for name, sign in (("inner", -1.0), ("outer", 1.0)):
        facets = space.facets(name)
        radial = facets.points / np.linalg.norm(facets.points, axis=-1, keepdims=True)
        assert facets.normals == pytest.approx(sign * radial, abs=0.01)


def test_straight_facets_have_the_area_of_the_domain(rod):
    space = Space(rod, 1)
    facets = space.facets("cut_z0")
    assert facets.area == pytest.approx(0.06)
    assert facets.inner == 0
    assert set(facets.nodes) == set(space.domain.local(rod.facets_named("cut_z0")).ravel())


def test_interfaces_lie_inside():
    space = Space(hollow_octant((500.0, 1000.0, 2000.0), 2, (1, 1)), 1)
    assert space.facets("between 1 and 2").inner == 4


@pytest.mark.parametrize("order", [1, 2])
def test_stiffness_agrees_with_scikit_fem(order):
    from skfem import Basis, ElementTetP1, ElementTetP2, ElementVector
    from skfem.models.elasticity import linear_elasticity

    space = Space(box((300.0, 200.0, 100.0), (2, 1, 1)), order, degree=2)
    lam, mu = np.full(space.weights.shape, 3.0), np.full(space.weights.shape, 2.0)
    K = isotropic_stiffness(space, space.gradients, lam, mu, mu)
    basis = Basis(space.fem_mesh, ElementVector(ElementTetP1() if order == 1 else ElementTetP2()), intorder=2)
    theirs = linear_elasticity(3.0, 2.0).assemble(basis)
    numbers = np.hstack([basis.nodal_dofs, basis.edge_dofs] if order == 2 else [basis.nodal_dofs]).T.ravel()
    assert abs(K - theirs[numbers][:, numbers]).max() < 1e-12


def test_the_projection_onto_a_signed_distance_is_the_radial_one():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points *= 0.9
    project = onto_level(lambda p: np.linalg.norm(p, axis=1) - 1.0, step=1e-3)
    assert project(points) == pytest.approx(onto_sphere(1.0)(points), abs=1e-7)
    flat = onto_cylinder(2.0)(points)
    assert np.hypot(flat[:, 0], flat[:, 1]) == pytest.approx(np.full(20, 2.0))
    assert (flat[:, 2] == points[:, 2]).all()


def test_a_level_that_is_never_reached_is_refused():
    with pytest.raises(SimulationError, match="1 µm away"):
        onto_level(lambda p: np.ones(len(p)), step=0.1)(np.zeros((3, 3)))


def test_curving_too_far_is_refused():
    mesh = ball(1000.0, 1)
    with pytest.raises(SimulationError, match="overlap itself"):
        _ = Space(mesh, 2, {"membrane": onto_sphere(0.05)}).basis


def test_a_projection_of_the_wrong_shape_is_refused():
    with pytest.raises(SimulationError, match="finite points"):
        _ = Space(ball(1000.0, 1), 2, {"membrane": lambda p: p[:, :2]}).basis


def test_orders_beyond_2_are_refused(rod):
    with pytest.raises(SimulationError, match="order 1 and order 2"):
        Space(rod, 3)


def test_facets_without_a_tetrahedron_are_refused(rod):
    far = np.array([[rod.tets.min(), rod.tets.max(), rod.tets.max() // 2]])
    mesh = TetMesh(rod.points, rod.tets, rod.regions, rod.region_names, far, np.ones(1, np.int32), {1: "stray", 2: "empty"}, "rod")
    with pytest.raises(SimulationError, match="1 of the 1 facets named 'stray'"):
        Space(mesh).facets("stray")
    with pytest.raises(SimulationError, match="no facet that carries it"):
        Space(mesh).facets("empty")
    with pytest.raises(CellmlError, match="it has: empty, stray"):
        Space(mesh).facets("membrane")


def test_regions_are_matched_by_name_both_ways():
    mesh = hollow_octant((500.0, 1000.0, 2000.0), 2, (1, 1))
    assert by_region(mesh, {"shell 1": 1.0, "shell 2": 2.0}, "x") == [1.0] * 12 + [2.0] * 12
    with pytest.raises(SimulationError, match="missing for shell 2, unknown region cytosol"):
        by_region(mesh, {"shell 1": 1.0, "cytosol": 2.0}, "The material")
