"""Escape through the base of a shape against its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from skfem import MeshTet

from cellml.errors import CellmlError
from cellml.meshing.topology import boundary_facets
from cellml.shapes.evaluation.observables import escape_through, facing_base
from cellml.types import TetMesh


def bar(length: float = 1000.0) -> TetMesh:
    """A bar along x, 200 nm wide."""
    steps = np.linspace(0, 200, 3)
    mesh = MeshTet.init_tensor(np.linspace(0, length, 11), steps, steps)
    points, tets = mesh.p.T.copy(), mesh.t.T.astype(np.int64).copy()
    corners = points[tets]
    volume = np.einsum("ij,ij->i", corners[:, 1] - corners[:, 0], np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 0]))
    tets[volume < 0] = tets[volume < 0][:, [0, 2, 1, 3]]
    facets = boundary_facets(tets)
    return TetMesh(points, tets, np.ones(len(tets)), {1: "inside"}, facets, np.ones(len(facets)), {1: "membrane"})


def test_time_to_the_end_of_a_bar_is_a_third_of_its_length_squared() -> None:
    mesh = bar()
    found = escape_through(mesh, facing_base(mesh, 0.2))
    assert found.time_s == pytest.approx(1.0 / 3, rel=1e-6)  # L² / 3 D with L = 1 µm
    assert found.base_um2 == pytest.approx(0.04)
    assert found.volume_um3 == pytest.approx(0.04)


def test_only_facets_towards_the_dendrite_are_base() -> None:
    mesh = bar()
    chosen = facing_base(mesh, 0.2)
    assert mesh.points[mesh.facets[chosen], 0].max() == 0.0
    with pytest.raises(CellmlError, match="No facet"):
        escape_through(mesh, np.zeros(len(mesh.facets), bool))


def test_mesh_in_two_parts_is_refused() -> None:
    one, other = bar(), bar()
    points = np.concatenate([one.points, other.points + np.array([0, 1000, 0])])
    tets, facets = (np.concatenate([part, part + len(one.points)]) for part in (one.tets, one.facets))
    both = TetMesh(points, tets, np.ones(len(tets)), {1: "inside"}, facets, np.ones(len(facets)), {1: "membrane"})
    with pytest.raises(CellmlError, match="parts|pieces"):
        escape_through(both, np.arange(len(facets)) < 4)
