from __future__ import annotations

import numpy as np
import pytest

from cellml.data.distance_shapes import (
    Ball,
    Blend,
    Capsule,
    Ellipsoid,
    Field,
    HalfSpace,
    Intersection,
    Outside,
    RoundCone,
    RoundedBox,
    Shared,
    Tubes,
    Union,
)
from cellml.data.procedural_cells import random_frame

RNG = np.random.default_rng(0)
A, B = np.array([-3.0, 1.0, 2.0]), np.array([4.0, 2.0, -1.0])
POINTS = RNG.uniform(-12, 12, (150, 3))


def directions(count: int) -> np.ndarray:
    """Nearly even directions (Fibonacci lattice), (count, 3)."""
    z = 1 - (2 * np.arange(count) + 1) / count
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    return np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)


def convex_distance(points: np.ndarray, support: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Signed distance to a convex body: the largest of n·p − h(n) over directions; support: h(n), the slow twin of every convex body."""
    return np.asarray((points @ normals.T - support).max(axis=1))


@pytest.mark.parametrize("body", ["ball", "capsule", "cone", "box", "ellipsoid"])
def test_convex_bodies_have_the_distance_of_their_supporting_planes(body: str) -> None:
    n, frame, axes, half = directions(20000), random_frame(np.random.default_rng(1)), np.array([5.0, 1.0, 2.5]), np.array([4.0, 2.0, 3.0])
    bodies: dict[str, tuple[Field, np.ndarray]] = {
        "ball": (Ball(A, 2.5), n @ A + 2.5),
        "capsule": (Capsule(A, B, 1.5), np.maximum(n @ A, n @ B) + 1.5),
        "cone": (RoundCone(A, B, (3.0, 1.0)), np.maximum(n @ A + 3, n @ B + 1)),
        "box": (RoundedBox(A, half, 1.0), n @ A + np.abs(n) @ (half - 1) + 1),
        "ellipsoid": (Ellipsoid(A, axes, frame), n @ A + np.linalg.norm(n @ frame.T * axes, axis=1)),
    }
    field, support = bodies[body]
    found, expected = field(POINTS), convex_distance(POINTS, support, n)
    np.testing.assert_allclose(found, expected, atol=0.1)  # of 20,000 directions, about 0.025 rad apart, the best is a little too low
    assert (found >= expected - 1e-9).all()


def test_an_ellipsoid_knows_its_axes_its_centre_and_the_ball() -> None:
    body = Ellipsoid(np.zeros(3), np.array([1.0, 5.0, 3.0]), np.eye(3))
    points = np.array([[0, 0, 0], [0, 4.9, 0], [0, 7, 0], [-3, 0, 0], [0, 0, 2.9]], float)
    np.testing.assert_allclose(body(points)[[0, 2, 3]], [-1, 2, 2], atol=1e-7)
    assert body(points)[1] == pytest.approx(-0.1, abs=1e-9)  # within the tip's radius of curvature, 1/5, the tip is nearest
    ball = Ellipsoid(A, np.full(3, 2.0), np.eye(3))
    np.testing.assert_allclose(ball(POINTS), Ball(A, 2.0)(POINTS), atol=1e-9)


def test_tubes_are_the_least_of_their_capsules() -> None:
    segments = RNG.uniform(-9, 9, (7, 2, 3))
    expected = np.min([[np.linalg.norm(p - a - np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1) * (b - a)) for p in POINTS]
                       for a, b in segments], axis=0)  # fmt: skip
    np.testing.assert_allclose(Tubes(segments, 1.0)(POINTS), expected - 1, atol=1e-9)


def test_joined_bodies_keep_sign_and_lipschitz_constant() -> None:
    first, second, plane = Ball(A, 4.0), Ball(B, 3.0), HalfSpace(A, np.array([0.0, 0.6, 0.8]))
    for joined in (Union((first, second)), Intersection((first, Outside(plane))), Blend(first, second, 3.0), Outside(first)):
        near = POINTS + RNG.normal(0, 0.3, POINTS.shape)
        assert (np.abs(joined(POINTS) - joined(near)) <= np.linalg.norm(POINTS - near, axis=1) + 1e-12).all()
    blended = Blend(first, second, 3.0)(POINTS)
    union = Union((first, second))(POINTS)
    assert (blended <= union).all()
    assert (blended < union).any()
    apart = np.abs(first(POINTS) - second(POINTS)) >= 3
    np.testing.assert_array_equal(blended[apart], union[apart])


def test_a_shared_body_is_computed_once_for_the_same_points_and_again_for_others() -> None:
    calls = []

    def body(points: np.ndarray) -> np.ndarray:
        calls.append(1)
        return points[:, 0]

    shared = Shared(body)
    for points in (POINTS, POINTS, POINTS[:5]):
        np.testing.assert_array_equal(shared(points), points[:, 0])
    assert len(calls) == 2
