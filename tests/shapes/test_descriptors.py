"""Descriptors against closed forms, and under what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from cellml.errors import CellmlError
from cellml.shapes.descriptors import SIZES, centroid, descriptor_table, descriptors
from cellml.types import Surface


def surface_of(mesh: trimesh.Trimesh, shift: float = 0.0) -> Surface:
    return Surface(np.asarray(mesh.vertices) + shift, np.asarray(mesh.faces))


def test_box_has_the_numbers_of_a_box() -> None:
    found = descriptors(surface_of(trimesh.creation.box((300, 200, 100)), shift=1e5))
    assert found["volume_nm3"] == pytest.approx(6e6)
    assert found["area_nm2"] == pytest.approx(2.2e5)
    assert [found[k] for k in ("length_nm", "width_nm", "thickness_nm")] == pytest.approx([300, 200, 100])
    assert found["mean_width_nm"] == pytest.approx((300 + 200 + 100) / 2)  # of a box: half the sum of its edges
    assert (found["elongation"], found["flatness"]) == pytest.approx((2 / 3, 1 / 2))
    assert (found["solidity"], found["neck"], found["taper"]) == pytest.approx((1.0, 1.0, 1 / 3))
    assert found["skewness"] == pytest.approx(0.0, abs=1e-9)


def test_ball_is_round() -> None:
    found = descriptors(surface_of(trimesh.creation.icosphere(4, 100.0)))
    assert found["sphericity"] == pytest.approx(1.0, abs=1e-3)
    assert found["mean_width_nm"] == pytest.approx(200, rel=1e-3)
    assert found["slenderness"] == pytest.approx(np.sqrt(2 / 3), rel=5e-3)  # mean section of a ball: 2/3 of the largest


def test_cone_is_skewed_and_widens_towards_its_head() -> None:
    found = descriptors(surface_of(trimesh.creation.cone(50, 300, sections=100)))
    assert found["skewness"] == pytest.approx(-0.8607, abs=1e-3)  # beta distribution with a = 1, b = 3
    assert found["neck"] == pytest.approx(1.5 / 10.5)
    assert found["head_place"] > 0.8
    assert found["neck_place"] < 0.2


def test_axis_tells_base_from_head() -> None:
    cone = surface_of(trimesh.creation.cone(50, 300, sections=60))  # widest at z = 0
    up, down = descriptors(cone, (0, 0, 1)), descriptors(cone, (0, 0, -1))
    assert up["taper"] > 0.6 > 0.1 > down["taper"]
    assert up["head_place"] == pytest.approx(1 - down["head_place"])
    assert up["skewness"] == pytest.approx(-down["skewness"])


def test_turning_shifting_and_refining_change_nothing() -> None:
    mesh = trimesh.creation.cone(80, 300, sections=24)
    mesh.vertices = mesh.vertices * [1.0, 0.5, 1.0]
    finer = surface_of(mesh.subdivide().subdivide())
    turn = Rotation.random(random_state=3).as_matrix()
    moved = Surface(finer.vertices @ turn.T + [1e4, -2e4, 3e3], finer.faces)
    given, other = descriptors(surface_of(mesh)), descriptors(moved)
    for name, value in given.items():
        assert other[name] == pytest.approx(value, rel=1e-6, abs=1e-6), name


def test_sizes_scale_and_ratios_do_not() -> None:
    cone = surface_of(trimesh.creation.cone(80, 300, sections=24))
    names, (one, two) = descriptor_table([cone, Surface(2 * cone.vertices, cone.faces)])
    power = {"volume_nm3": 3, "area_nm2": 2}
    for name, a, b in zip(names, one, two, strict=True):
        assert b - a == pytest.approx(power.get(name, 1) * np.log(2) if name in SIZES else 0.0, abs=1e-6), name


def test_centroid_of_a_cone_lies_a_quarter_up() -> None:
    assert centroid(surface_of(trimesh.creation.cone(50, 300, sections=60))) == pytest.approx([0, 0, 75], abs=1e-6)


def test_inside_out_is_refused() -> None:
    ball = trimesh.creation.icosphere(1, 10.0)
    with pytest.raises(CellmlError, match="counter-clockwise from outside"):
        descriptors(Surface(np.asarray(ball.vertices), np.asarray(ball.faces)[:, ::-1]))
    with pytest.raises(CellmlError, match="axis must be"):
        descriptors(surface_of(ball), (0, 0, 0))
    with pytest.raises(CellmlError, match="no surface"):
        descriptor_table([])
