"""Bases of spines made by code, whose cut is known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from skfem import MeshTet

from cellml.errors import CellmlError
from cellml.meshing.topology import boundary_facets
from cellml.shapes.base import Base, base_frame, carried_base, cut_fan, facets_on, in_base_frame, lowest_part, with_base
from cellml.types import Surface, TetMesh


def cut_ball(turn_deg: float, shift: tuple[float, float, float] = (5e3, -2e3, 1e3)) -> Surface:
    """A ball of radius 500 nm cut by a plane across x at −300, the cut closed by a fan, turned about z and shifted."""
    ball = trimesh.creation.icosphere(3, 500.0)
    points, faces = np.asarray(ball.vertices).copy(), np.asarray(ball.faces)
    faces = faces[(points[faces, 0] > -300).all(axis=1)]
    edges = faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    rim = edges[trimesh.grouping.group_rows(np.sort(edges, axis=1), require_count=1)]
    corners = np.unique(rim)
    across = points[corners, 1:]
    points[corners] = np.column_stack([np.full(len(corners), -300.0), 400 * across / np.linalg.norm(across, axis=1, keepdims=True)])
    vertices = np.concatenate([points, [[-300.0, 0.0, 0.0]]])
    fan = np.column_stack([rim[:, 1], rim[:, 0], np.full(len(rim), len(points))])
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return Surface(vertices @ turn.T + np.array(shift), np.concatenate([faces, fan]), "cut ball")


@pytest.mark.parametrize("turn_deg", [0.0, 70.0, 200.0])
def test_fan_is_found_wherever_the_spine_lies(turn_deg: float) -> None:
    surface = cut_ball(turn_deg)
    base = cut_fan(surface)
    angle = np.radians(turn_deg)
    assert base.inwards == pytest.approx([np.cos(angle), np.sin(angle), 0], abs=1e-9)
    disk = np.pi * (500**2 - 300**2)
    assert base.share * surface.areas().sum() == pytest.approx(disk, rel=0.02)
    assert base.centre - [5e3, -2e3, 1e3] == pytest.approx([-300 * np.cos(angle), -300 * np.sin(angle), 0], abs=5)


def test_frame_brings_the_base_to_the_origin_and_the_spine_to_positive_x() -> None:
    surface = in_base_frame(cut_ball(131.0), cut_fan(cut_ball(131.0)))
    x = surface.vertices[np.unique(surface.faces), 0]
    assert x.min() == pytest.approx(0, abs=1)
    assert x.max() == pytest.approx(800, rel=0.01)
    assert surface.volume() > 0


def test_lowest_part_is_what_lies_near_the_base() -> None:
    surface = in_base_frame(cut_ball(40.0), cut_fan(cut_ball(40.0)))
    low = lowest_part(surface.vertices, surface.faces, 0.1)
    height = surface.vertices[surface.faces, 0].mean(axis=1)
    assert low.any()
    assert height[low].max() < 0.1 * 801 <= height[~low].min() + 1
    with pytest.raises(CellmlError, match="between 0 and 1"):
        lowest_part(surface.vertices, surface.faces, 1.0)


def test_base_is_carried_to_a_finer_mesh() -> None:
    surface = cut_ball(10.0)
    vertices, faces = trimesh.remesh.subdivide(surface.vertices, surface.faces)
    base, fine = cut_fan(surface), Surface(vertices, faces, "fine")
    carried = carried_base(base, surface, fine)
    assert len(carried.faces) == 4 * len(base.faces)
    assert carried.share == pytest.approx(base.share)
    assert carried.inwards == pytest.approx(base.inwards)


def test_facets_get_the_name_of_the_base() -> None:
    points = np.array([[0, 0, 0], [100, 0, 0], [0, 100, 0], [0, 0, 100]], float)
    facets = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    mesh = TetMesh(points, np.array([[0, 1, 2, 3]]), np.array([1]), {1: "inside"}, facets, np.full(4, 7), {7: "membrane"})
    named = with_base(mesh, np.array([False, False, True, False]))
    assert named.facets_named("base").tolist() == [[0, 3, 2]]
    assert len(named.facets_named("membrane")) == 3
    with pytest.raises(CellmlError, match="No facet"):
        with_base(mesh, np.zeros(4, bool))
    with pytest.raises(CellmlError, match="has a patch 'base' already, of 1 facets"):
        with_base(named, np.array([True, False, False, False]))
    fan = Surface(points, facets, "tetrahedron")
    base = carried_base(cut_fan(cut_ball(0)), cut_ball(0), cut_ball(0))
    assert facets_on(base, cut_ball(0), mesh).shape == (4,)
    with pytest.raises(CellmlError, match="no fan"):
        cut_fan(fan)


def test_a_fan_along_the_optical_axis_is_no_base() -> None:
    surface = cut_ball(0.0)
    with pytest.raises(CellmlError, match="optical axis"):
        cut_fan(Surface(surface.vertices[:, [2, 1, 0]] * [1, 1, -1], surface.faces))


def test_frame_of_a_base_along_z_is_refused() -> None:
    base = cut_fan(cut_ball(0.0))
    upright = type(base)(base.centre, np.array([0.0, 0.0, 1.0]), base.faces, base.share)
    with pytest.raises(CellmlError, match="no direction"):
        base_frame(upright)


def test_base_in_a_fold_is_the_facets_nearest_to_it() -> None:
    across = np.linspace(0.0, 1000.0, 21)
    slab = MeshTet.init_tensor(np.array([0.0, 100.0]), across, across)
    points, tets = slab.p.T.copy(), slab.t.T.astype(np.int64)
    wrong = np.linalg.det(points[tets[:, 1:]] - points[tets[:, :1]]) < 0
    tets[wrong] = tets[wrong][:, [0, 2, 1, 3]]
    facets = boundary_facets(tets)
    mesh = TetMesh(points, tets, np.ones(len(tets)), {1: "inside"}, facets, np.ones(len(facets)), {1: "membrane"})

    def strip(width: float) -> tuple[Base, Surface]:
        """A strip along z, 5 nm before a wall on which the mesh lies."""
        wall = np.array([[0, -10, -10], [0, 1010, -10], [0, 1010, 1010], [0, -10, 1010]], float)
        behind = np.array([[-5, 510, 1], [-5, 510 + width, 1], [-5, 510 + width, 999], [-5, 510, 999]], float)
        surface = Surface(np.concatenate([wall, behind]), np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]), "wall and strip")
        return Base(behind.mean(axis=0), np.array([1.0, 0, 0]), np.array([2, 3]), 0.1), surface

    found = facets_on(*strip(30.0), mesh)
    middle = mesh.points[mesh.facets[found]].mean(axis=1)
    assert found.sum() == 40  # both triangles of the 20 squares of 50 nm along it
    assert (middle[:, 0] == 0).all() and ((middle[:, 1] > 500) & (middle[:, 1] < 550)).all()
    assert not facets_on(*strip(20.0), mesh).any()  # 50 nm are more than twice its width
