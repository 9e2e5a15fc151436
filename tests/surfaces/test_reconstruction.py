"""A surface made anew: the same again without the work, and never the same arrays."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.surfaces import reconstruction
from cellml.surfaces.reconstruction import reconstruct
from cellml.types import Surface


def tetrahedron(size: float = 100.0) -> Surface:
    vertices = size * np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    return Surface(vertices, np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]), "tetrahedron")


def test_the_second_time_costs_nothing_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    first, spacing = reconstruct(tetrahedron(), spacing_nm=10.0)
    kept = first.vertices.copy()
    first.vertices[:] = 0.0  # what a caller does with its copy is its own affair
    monkeypatch.setattr(reconstruction, "_made", lambda *given: pytest.fail("the work was done again"))
    again, spacing_again = reconstruct(Surface(tetrahedron().vertices, tetrahedron().faces, "other"), spacing_nm=10.0)
    assert spacing_again == spacing == 10.0
    assert again.name == "other"
    np.testing.assert_array_equal(again.vertices, kept)


def test_another_surface_or_spacing_is_made() -> None:
    coarse, _ = reconstruct(tetrahedron(), spacing_nm=20.0)
    fine, _ = reconstruct(tetrahedron(), spacing_nm=8.0)
    larger, _ = reconstruct(tetrahedron(200.0), spacing_nm=20.0)
    whole = 100.0**3 / 6
    assert abs(fine.volume() / whole - 1) < abs(coarse.volume() / whole - 1)
    assert abs(larger.volume() / (8 * whole) - 1) < abs(coarse.volume() / whole - 1)


def test_few_are_kept() -> None:
    for size in range(101, 107):
        reconstruct(tetrahedron(float(size)), spacing_nm=40.0)
    assert len(reconstruction._KEPT) == reconstruction._MOST_KEPT
