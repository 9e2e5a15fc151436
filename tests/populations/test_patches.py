"""Base and head of a rod."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.populations.patches import facets_area, with_head
from cellml.populations.recipe import way_in
from cellml.shapes.base import with_base
from cellml.shapes.certified import boundary_of
from cellml.sim.analytic import box
from cellml.types import TetMesh


def rod() -> TetMesh:
    """A box of 200 × 200 × 1000 nm whose side at z = 0 is its base."""
    mesh = box((200.0, 200.0, 1000.0), (3, 3, 20))
    return with_base(mesh, np.isclose(mesh.points[mesh.facets][:, :, 2], 0.0).all(axis=1))


def test_the_head_is_the_farthest_fifth() -> None:
    mesh = with_head(rod())
    assert facets_area(mesh, "base") == pytest.approx(200.0**2)
    lowest = mesh.points[mesh.facets_named("head")].mean(axis=1)[:, 2].min()
    assert lowest == pytest.approx(800.0, abs=40.0)
    assert facets_area(mesh, "head") == pytest.approx(200.0**2 + 4 * 200 * 200, rel=0.1)


def test_the_way_in_and_the_outer_surface() -> None:
    mesh = rod()
    assert way_in(mesh) == pytest.approx([0.0, 0.0, 500.0], abs=1e-9)
    assert way_in(box((100.0, 100.0, 100.0), (2, 2, 2))) is None
    assert boundary_of(mesh, mesh.name).volume() == pytest.approx(200.0**2 * 1000.0)


def test_no_base_and_a_base_that_is_everything_are_refused() -> None:
    mesh = box((100.0, 100.0, 100.0), (2, 2, 2))
    with pytest.raises(CellmlError, match="no facets named 'base'"):
        with_head(mesh)
    with pytest.raises(CellmlError, match="nothing is far from it"):
        with_head(with_base(mesh, mesh.points[mesh.facets].mean(axis=1)[:, 2] < 99.0))
