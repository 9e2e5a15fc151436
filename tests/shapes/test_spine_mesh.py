"""Spines made by code, meshed with their base as a patch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from cellml.errors import CellmlError
from cellml.meshing import foreign
from cellml.meshing.errors import MeshingError, MeshingTimeoutError
from cellml.meshing.gate import Gate
from cellml.meshing.topology import boundary_facets, facet_components, surface_topology
from cellml.shapes.base import Base
from cellml.shapes.spine_mesh import PATCH, based_mesh
from cellml.types import Surface
from tests.shapes.test_base import cut_ball

VOXELS = 1000  # quick, and coarse


def end_of(surface: Surface, below: float) -> Base:
    """The faces whose middle has x < below, as a base; those are towards −x."""
    middle = surface.vertices[surface.faces].mean(axis=1)
    return Base(middle[middle[:, 0] < below].mean(axis=0), np.array([1.0, 0.0, 0.0]), np.flatnonzero(middle[:, 0] < below), 0.1)


def balls(radius: float, gap: float = 100.0) -> Surface:
    """A ball of radius 500 nm about the origin, and one of another radius beyond it along x."""
    one, other = trimesh.creation.icosphere(3, 500.0), trimesh.creation.icosphere(3, radius)
    shift = np.array([500.0 + gap + radius, 0, 0])
    points = np.concatenate([one.vertices, other.vertices + shift])
    return Surface(points, np.concatenate([one.faces, other.faces + len(one.vertices)]), "balls")


def areas(mesh) -> float:
    corners = mesh.points[mesh.facets_named(PATCH)]
    return float(np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2)


def test_the_cut_of_a_ball_becomes_the_patch_base():
    found = based_mesh(cut_ball(30.0))
    assert found.tries == 1 and found.account == ""
    assert found.certificate.passes(Gate()) == []
    assert list(found.mesh.region_names.values()) == ["inside"]
    assert areas(found.mesh) == pytest.approx(np.pi * 400.0**2, rel=0.05)
    base = found.mesh.points[np.unique(found.mesh.facets_named(PATCH))] - found.base.centre
    assert np.abs(base @ found.base.inwards).max() < 60.0  # flat, at the cut, within a voxel and a half
    assert len(found.mesh.facets) == len(boundary_facets(found.mesh.tets))


def test_a_handle_is_kept_where_it_does_not_close():
    ring = trimesh.creation.torus(600.0, 220.0, 32, 20)
    surface = Surface(np.asarray(ring.vertices), np.asarray(ring.faces), "ring")
    found = based_mesh(surface, base=end_of(surface, -650.0), voxels=VOXELS)
    assert "its handles are kept" in found.account
    assert surface_topology(boundary_facets(found.mesh.tets)).euler == 0


def test_small_pieces_go_and_large_ones_do_not():
    surface = balls(200.0)
    found = based_mesh(surface, base=end_of(surface, -400.0), voxels=VOXELS)
    assert "dropped 1 piece (5." in found.account  # 0.4³ / (1 + 0.4³) = 6.0 %, on a coarse grid
    assert facet_components(found.mesh.tets)[0] == 1
    surface = balls(300.0)
    with pytest.raises(MeshingError, match=r"'balls' has no mesh with a base.*2 parts, and 18 %"):
        based_mesh(surface, base=end_of(surface, -400.0), voxels=VOXELS)


def test_what_fails_is_tried_on_finer_grids_against_the_same_gate(monkeypatch):
    surface, calls = cut_ball(0.0), []

    def failing(given, *, spacing_nm, voxel_nm, **others):
        calls.append((given is surface, spacing_nm, voxel_nm))
        made = original(given, spacing_nm=spacing_nm, voxel_nm=voxel_nm, **others)
        return made if len(calls) > 2 else replace(made, certificate=replace(made.certificate, dihedral_min_deg=5.0))

    original = foreign.mesh_surface
    monkeypatch.setattr(foreign, "mesh_surface", failing)
    found = based_mesh(surface, voxels=300)
    assert found.tries == 3
    assert all(stored for stored, _, _ in calls)
    spacings = np.array([spacing for _, spacing, _ in calls])
    np.testing.assert_allclose((spacings[0] / spacings) ** 3, [1.0, 2.5, 6.0])
    assert {voxel for _, _, voxel in calls} == {spacings[0]}


def test_every_reason_is_told_and_time_that_is_up_ends_it(monkeypatch):
    monkeypatch.setattr(foreign, "mesh_surface", lambda *a, **k: (_ for _ in ()).throw(MeshingError("too thin")))
    with pytest.raises(MeshingError, match="on 1000 voxels: too thin; on 2500 voxels: too thin; on 6000 voxels: too thin"):
        based_mesh(cut_ball(0.0), voxels=VOXELS)
    monkeypatch.setattr(foreign, "mesh_surface", lambda *a, **k: (_ for _ in ()).throw(MeshingTimeoutError("time is up")))
    with pytest.raises(MeshingTimeoutError):
        based_mesh(cut_ball(0.0), voxels=VOXELS)
    ball = trimesh.creation.icosphere(2, 500.0)
    with pytest.raises(CellmlError, match="no fan"):
        based_mesh(Surface(np.asarray(ball.vertices), np.asarray(ball.faces), "ball"))
