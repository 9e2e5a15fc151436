from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellml.meshing.topology import boundary_facets, surface_topology
from cellml.report.cutaway import behind, broad_side, skin
from cellml.types import Surface, TetMesh

from .conftest import ball


def _flat(refinements: int = 4) -> TetMesh:
    """An ellipsoid of 300 × 200 × 100 nm (half axes along x, y, z)."""
    mesh = ball(refinements, stretch=1.0)
    return TetMesh(mesh.points * [3.0, 2.0, 1.0], mesh.tets, mesh.regions)


def test_the_broad_side_faces_the_eye() -> None:
    pose = broad_side(_flat())
    assert np.abs(pose.right).argmax() == 0
    assert np.abs(pose.up).argmax() == 1
    assert np.abs(pose.eye).argmax() == 2
    frame = np.stack([pose.right, pose.up, pose.eye])
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1.0)
    np.testing.assert_allclose(pose.centre[:2], 0.0, atol=5.0)


def test_turning_keeps_the_frame_and_moves_the_eye() -> None:
    pose = broad_side(_flat())
    turned = pose.turned(30.0, 20.0)
    frame = np.stack([turned.right, turned.up, turned.eye])
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1.0)
    assert turned.eye @ pose.right == pytest.approx(np.cos(np.radians(20)) * np.sin(np.radians(30)))
    assert turned.eye @ pose.up == pytest.approx(np.sin(np.radians(20)))
    np.testing.assert_array_equal(turned.centre, pose.centre)


def test_whole_tetrahedra_behind_the_plane_stay() -> None:
    mesh = _flat()
    pose = broad_side(mesh)
    kept = behind(mesh, pose)
    middles = mesh.points[mesh.tets].mean(axis=1)
    assert ((middles[kept] - pose.centre) @ pose.eye <= 0).all()
    assert ((middles[~kept] - pose.centre) @ pose.eye > 0).all()
    assert 0.2 < kept.mean() < 0.8


@pytest.mark.parametrize("depth", [-40.0, 35.0])
def test_the_cut_goes_through_a_small_organelle(depth: float) -> None:
    mesh = _flat()
    middles = mesh.points[mesh.tets].mean(axis=1)
    inside = np.linalg.norm((middles - [60.0, 0.0, depth]) / [60.0, 60.0, 22.0], axis=1) < 1
    assert 20 < inside.sum() < 0.1 * len(inside)
    mesh = replace(mesh, regions=np.where(inside, 2, 1))
    pose = broad_side(mesh)
    kept = behind(mesh, pose)
    share = kept[inside].mean()
    assert 0.2 < share < 0.8
    assert 2 in mesh.regions[skin(mesh, kept)[1]]


def test_the_skin_is_closed_and_knows_its_tetrahedra() -> None:
    mesh = _flat(3)
    faces, tet = skin(mesh, behind(mesh, broad_side(mesh)))
    assert surface_topology(faces).closed
    assert surface_topology(faces).oriented
    kept = behind(mesh, broad_side(mesh))
    assert Surface(mesh.points, faces).volume() == pytest.approx(mesh.volumes()[kept].sum())
    assert kept[tet].all()
    assert all(set(face) <= set(cell) for face, cell in zip(faces.tolist(), mesh.tets[tet].tolist(), strict=True))
    whole, _ = skin(mesh, np.ones(len(mesh.tets), bool))
    assert len(whole) == len(boundary_facets(mesh.tets))
