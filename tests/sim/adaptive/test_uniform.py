from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.quality import radius_ratio
from cellml.sim.adaptive.edges import faces_of
from cellml.sim.adaptive.uniform import refine_uniformly
from cellml.sim.analytic import ball, box
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh


def areas(mesh: TetMesh) -> dict[int, float]:
    a, b, c = (mesh.points[mesh.facets[:, i]] for i in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return {int(tag): float(area[mesh.facet_tags == tag].sum()) for tag in np.unique(mesh.facet_tags)}


def test_eight_children_of_equal_volume_in_the_region_of_their_parent():
    mesh = box((200.0, 300.0, 500.0), (2, 3, 4), cuts=("z0", "x1"))
    mesh = TetMesh(mesh.points, mesh.tets, np.arange(len(mesh.tets)) % 3, {}, mesh.facets, mesh.facet_tags, mesh.facet_names)
    fine, _ = refine_uniformly(mesh)
    np.testing.assert_allclose(fine.volumes(), np.repeat(mesh.volumes() / 8, 8), rtol=1e-12)
    np.testing.assert_array_equal(fine.regions, np.repeat(mesh.regions, 8))
    assert areas(fine) == pytest.approx(areas(mesh), rel=1e-13)


def test_conforming_and_facets_are_faces_of_the_boundary():
    fine, _ = refine_uniformly(refine_uniformly(box((1e3, 1e3, 1e3), (1, 2, 1)))[0])
    faces = faces_of(fine.tets)
    # A hanging node would leave a face with one neighbour inside the box.
    outer = faces.corners[faces.sides[:, 1] < 0]
    assert len(outer) == len(fine.facets)
    assert (faces.find(fine.facets) >= 0).all()


def test_prolongation_reproduces_linear_functions_and_the_old_values():
    mesh = ball(1000.0, 2)
    fine, prolong = refine_uniformly(mesh)
    np.testing.assert_allclose(prolong @ (mesh.points @ [1.0, -2.0, 0.5] + 3.0), fine.points @ [1.0, -2.0, 0.5] + 3.0, atol=1e-9)
    values = np.random.default_rng(0).normal(size=len(mesh.points))
    np.testing.assert_array_equal((prolong @ values)[: len(values)], values)


def test_quality_stays_bounded_from_a_distorted_mesh():
    mesh = box((1000.0, 1000.0, 300.0), (2, 2, 2))
    shift = np.random.default_rng(1).normal(scale=30.0, size=mesh.points.shape)
    mesh = TetMesh(mesh.points + shift, mesh.tets, mesh.regions)
    worst = [radius_ratio(mesh.points, mesh.tets).min()]
    for _ in range(4):
        mesh, _ = refine_uniformly(mesh)
        worst.append(radius_ratio(mesh.points, mesh.tets).min())
    assert min(worst) > 0.9 * worst[0]
    assert worst[-1] == pytest.approx(worst[-2], rel=1e-6)


def test_projected_boundary_converges_to_the_ball_with_order_two():
    def sphere(points):
        radius = np.linalg.norm(points, axis=1)
        return radius - 1000.0, points / radius[:, None]

    mesh, missing = ball(1000.0, 1), []
    for _ in range(3):
        mesh, _ = refine_uniformly(mesh, distance=sphere)
        np.testing.assert_allclose(np.linalg.norm(mesh.points[np.unique(mesh.facets)], axis=1), 1000.0, rtol=1e-12)
        missing.append(4 / 3 * np.pi * 1e9 - mesh.volumes().sum())
    assert np.log2(missing[-2] / missing[-1]) > 1.8


def test_facets_off_the_mesh_are_refused():
    mesh = box((1e3, 1e3, 1e3), (2, 2, 2))
    far = TetMesh(mesh.points, mesh.tets, mesh.regions, {}, np.array([[0, 1, len(mesh.points) - 1]]), np.array([1]))
    with pytest.raises(SimulationError, match="belong to no tetrahedron"):
        refine_uniformly(far)
