from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.metrics.mesh_scores import mesh_distances, mesh_soundness
from cellml.nets.mesh_template import icosphere
from cellml.types import Surface


def sphere(radius: float, level: int = 4) -> Surface:
    found = icosphere(level).surfaces()[0]
    return Surface(radius * found.vertices, found.faces, "sphere")


def test_concentric_spheres_are_apart_by_the_difference_of_their_radii() -> None:
    assd, hd95 = mesh_distances(sphere(10.0), sphere(12.0), samples=2000)
    assert assd == pytest.approx(2, abs=0.03)
    assert hd95 == pytest.approx(2, abs=0.06)


def test_a_surface_is_not_apart_from_itself_and_distances_are_symmetric() -> None:
    first = sphere(10.0, 3)
    moved = Surface(first.vertices + np.array([1.0, 0, 0]), first.faces, "moved")
    assert mesh_distances(first, first, samples=500)[0] < 1e-6
    forth, back = mesh_distances(first, moved, samples=4000), mesh_distances(moved, first, samples=4000)
    assert forth[0] == pytest.approx(back[0], rel=0.05)
    assert forth[0] == pytest.approx(0.5, abs=0.03)  # mean |cos θ| of a shift by 1


def test_soundness_of_a_sphere_a_torus_and_two_spheres_that_cross() -> None:
    one = mesh_soundness(sphere(1.0, 2))
    assert (one.closed, one.manifold, one.genus, one.components, one.crossing_faces, one.faces) == (True, True, 0, 1, 0, 320)
    shifted = sphere(1.0, 2)
    both = Surface(
        np.concatenate([shifted.vertices, shifted.vertices + np.array([1.0, 0.013, 0.007])]),
        np.concatenate([shifted.faces, shifted.faces + 162]),
        "two",
    )
    crossed = mesh_soundness(both)
    assert crossed.components == 2
    assert 0 < crossed.crossing_faces < crossed.faces / 2
    assert crossed.genus == 0
    n = 12
    i, j = (v.ravel() for v in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    turn, roll = 2 * np.pi * i / n, 2 * np.pi * j / n
    points = np.stack([(3 + np.cos(roll)) * np.cos(turn), (3 + np.cos(roll)) * np.sin(turn), np.sin(roll)], axis=1)
    a, b, c, d = (((i + p) % n) * n + (j + q) % n for p, q in ((0, 0), (1, 0), (1, 1), (0, 1)))
    torus = Surface(points, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]), "torus")
    assert mesh_soundness(torus).genus == 1


def test_an_open_surface_has_no_genus() -> None:
    whole = sphere(1.0, 1)
    opened = mesh_soundness(Surface(whole.vertices, whole.faces[1:], "open"))
    assert not opened.closed
    assert opened.genus == -1


def test_a_surface_without_faces_is_refused() -> None:
    with pytest.raises(CellmlError, match="no faces"):
        mesh_distances(Surface(np.zeros((0, 3)), np.zeros((0, 3), int), "none"), sphere(1.0, 1))
