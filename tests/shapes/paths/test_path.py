"""Geodesics against closed forms: great circles of a sphere, and straight lines where the decoder is linear."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.shapes.paths.path import find_path, shortest
from cellml.types import Surface


def _on_sphere(codes: np.ndarray) -> np.ndarray:
    """(longitude, latitude) → points of the unit sphere."""
    longitude, latitude = codes.T
    return np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=1)


def test_geodesic_of_a_sphere_is_the_great_circle() -> None:
    start, end = np.array([0.0, 0.8]), np.array([1.6, 0.8])
    share = np.linspace(0, 1, 17)[:, None]
    codes = shortest(_on_sphere, (1 - share) * start + share * end)
    points = _on_sphere(codes)
    angle = np.arccos(points[0] @ points[-1])
    normal = np.cross(points[0], points[-1])
    assert np.abs(points @ normal).max() < 5e-3  # in the plane of the great circle
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps.sum() == pytest.approx(angle, rel=1e-2)
    assert steps.max() / steps.min() < 1.02
    assert codes[:, 1].max() > 0.95  # it bends toward the pole


def test_geodesic_of_a_linear_decoder_is_straight() -> None:
    random = np.random.default_rng(0)
    matrix = random.standard_normal((3, 20))
    start, end = random.standard_normal((2, 3))
    share = np.linspace(0, 1, 6)[:, None]
    straight = (1 - share) * start + share * end
    np.testing.assert_allclose(shortest(lambda codes: codes @ matrix, straight), straight, atol=1e-6)


class _Spheres:
    """A model of spheres with radius e^s; corresponding = False: with another mesh for every shape."""

    def __init__(self, *, corresponding: bool = True) -> None:
        self.corresponding = corresponding

    def decode(self, codes: Any) -> list[Surface]:
        found = []
        for n, (code,) in enumerate(codes):
            directions, faces = geodesic_sphere(1 if self.corresponding else 1 + n % 2)
            found.append(Surface(directions * np.exp(code), faces))
        return found


def test_frames_of_a_geodesic_are_evenly_spaced_in_shape() -> None:
    """Radii of the geodesic between spheres of e⁰ and e² grow evenly, those of the straight path in codes do not."""
    ends = np.array([0.0]), np.array([2.0])
    path = find_path(_Spheres(), *ends, frames=5, kind="geodesic")  # type: ignore[arg-type]
    np.testing.assert_allclose(np.exp(path.codes[:, 0]), np.linspace(1, np.exp(2), 5), rtol=1e-2)
    assert path.length == pytest.approx(np.exp(2) - 1)
    straight = find_path(_Spheres(), *ends, frames=5)  # type: ignore[arg-type]
    np.testing.assert_allclose(straight.codes[:, 0], np.linspace(0, 2, 5))


def test_without_correspondence_there_is_a_straight_path_only() -> None:
    ends = np.array([0.0]), np.array([1.0])
    assert np.isnan(find_path(_Spheres(corresponding=False), *ends, frames=3).length)  # type: ignore[arg-type]
    with pytest.raises(CellmlError, match="use kind=linear"):
        find_path(_Spheres(corresponding=False), *ends, frames=3, kind="geodesic")  # type: ignore[arg-type]


def test_bad_paths_are_explained() -> None:
    ends = np.array([0.0]), np.array([1.0])
    with pytest.raises(CellmlError, match="a path has two ends"):
        find_path(_Spheres(), *ends, frames=1)  # type: ignore[arg-type]
    with pytest.raises(CellmlError, match="linear or geodesic"):
        find_path(_Spheres(), *ends, frames=3, kind="curved")  # type: ignore[arg-type]
