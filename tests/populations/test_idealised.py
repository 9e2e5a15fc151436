"""Idealised shapes against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from cellml.errors import CellmlError
from cellml.meshing.topology import surface_topology
from cellml.populations.idealised import BallAndStick, Capsule, surface_of
from cellml.shapes.base import cut_fan


@settings(deadline=None)
@given(some.floats(50, 500), some.floats(1.0, 20.0))
def test_a_capsule_is_found_again_from_its_volume_and_area(radius: float, slender: float) -> None:
    made = Capsule(radius, slender * radius)
    found = Capsule.of(made.volume_nm3, made.area_nm2)
    assert (found.radius_nm, found.length_nm) == pytest.approx((made.radius_nm, made.length_nm), rel=1e-5)


@settings(deadline=None)
@given(some.floats(50, 500), some.floats(0.0, 10.0), some.floats(0.1, 0.8))
def test_a_ball_and_stick_is_found_again(radius: float, slender: float, ratio: float) -> None:
    made = BallAndStick(radius, slender * radius, ratio)
    found = BallAndStick.of(made.volume_nm3, made.area_nm2, ratio)
    assert (found.radius_nm, found.length_nm) == pytest.approx((made.radius_nm, made.length_nm), rel=1e-5, abs=1e-4 * radius)


def test_a_capsule_of_unit_radius_and_length_has_the_volume_and_area_of_the_textbook() -> None:
    capsule = Capsule(1.0, 1.0)
    assert capsule.volume_nm3 == pytest.approx(np.pi + 2 / 3 * np.pi)
    assert capsule.area_nm2 == pytest.approx(2 * np.pi + 2 * np.pi + np.pi)


def test_a_ball_on_a_neck_as_wide_as_itself_would_be_a_capsule() -> None:
    wide = BallAndStick(1.0, 3.0, 1 - 1e-9)
    assert wide.volume_nm3 == pytest.approx(Capsule(1.0, 3.0).volume_nm3, rel=1e-3)
    assert wide.area_nm2 == pytest.approx(Capsule(1.0, 3.0).area_nm2, rel=1e-3)


@pytest.mark.parametrize("shape", [Capsule(200.0, 700.0), BallAndStick(300.0, 500.0), BallAndStick(300.0, 0.0)])
def test_surfaces_are_closed_and_have_the_volume_and_area_with_second_order(shape: Capsule | BallAndStick) -> None:
    errors = []
    for steps in (8, 16):
        surface = surface_of(shape, steps=steps)
        topology = surface_topology(surface.faces)
        assert topology.closed and topology.manifold and topology.oriented and topology.euler == 2
        errors.append((surface.volume() / shape.volume_nm3 - 1, surface.areas().sum() / shape.area_nm2 - 1))
    coarse, fine = np.abs(errors)
    assert (fine < 0.3 * coarse).all() and (fine < 0.01).all()


def test_the_flat_end_is_the_fan_that_is_taken_for_the_cut() -> None:
    shape = BallAndStick(300.0, 500.0)
    base = cut_fan(surface_of(shape))
    assert base.centre == pytest.approx([0, 0, 0], abs=1e-9)
    assert base.inwards == pytest.approx([1, 0, 0])
    assert base.share == pytest.approx(np.pi * shape.neck_nm**2 / shape.area_nm2, rel=0.02)


@pytest.mark.parametrize("kind", [Capsule, BallAndStick])
def test_shapes_rounder_than_any_of_their_kind_are_refused_with_both_areas(kind: type[Capsule] | type[BallAndStick]) -> None:
    ball = np.pi * 1e9 / 6
    with pytest.raises(CellmlError, match=r"area of .* µm² or more, but 3.142 µm² are asked for"):
        kind.of(ball, np.pi * 1e6)
    with pytest.raises(CellmlError, match="positive volume and area"):
        kind.of(-1.0, 1.0)


def test_a_neck_as_wide_as_the_head_and_two_steps_are_refused() -> None:
    with pytest.raises(CellmlError, match=r"between 0.05 and 0.9, got 1"):
        BallAndStick.of(1.0, 10.0, 1.0)
    with pytest.raises(CellmlError, match="three steps"):
        surface_of(Capsule(1.0, 1.0), steps=2)
