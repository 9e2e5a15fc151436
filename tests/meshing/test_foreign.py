from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.io import read_surface, write_surface
from cellml.meshing import Gate
from cellml.meshing.foreign import mesh_surface
from cellml.types import Surface

RADIUS = 500.0
VOLUME = 4 / 3 * np.pi * RADIUS**3


@pytest.fixture(scope="module")
def sphere():
    import trimesh

    made = trimesh.creation.icosphere(subdivisions=3, radius=RADIUS)
    return Surface(np.array(made.vertices) + np.array([3000.0, -200.0, 40.0]), np.array(made.faces), name="sphere")


def _sound(result, surface):
    assert result.certificate.passes(Gate()) == []
    assert result.mesh.region_names == {1: "inside"}
    assert result.mesh.volumes().sum() == pytest.approx(abs(surface.volume()), rel=0.01)
    assert result.mesh.points.mean(axis=0) == pytest.approx(surface.vertices.mean(axis=0), abs=25.0)
    region = result.certificate.regions["inside"]
    assert (region.euler, region.components) == (2, 1)


def test_a_ball_in_micrometres_that_is_inside_out(sphere, tmp_path):
    write_surface(Surface(sphere.vertices / 1000.0, sphere.faces[:, ::-1].copy()), tmp_path / "ball.off")
    surface = read_surface(tmp_path / "ball.off", unit="µm")
    assert surface.volume() < 0
    result = mesh_surface(surface, spacing_nm=60.0)
    _sound(result, surface)
    assert result.certificate.repairs != ()


def test_a_ball_with_a_hole_is_closed(sphere):
    middle = sphere.vertices[sphere.faces].mean(axis=1)
    open_ = Surface(sphere.vertices, sphere.faces[middle[:, 2] < 40.0 + 0.95 * RADIUS], name="open")
    assert 4 < len(sphere.faces) - len(open_.faces) < 60
    result = mesh_surface(open_, spacing_nm=60.0)
    _sound(result, sphere)
    assert any("hole" in repair for repair in result.certificate.repairs)


def test_distances_are_stated_in_voxels_of_the_image_that_it_came_from(sphere):
    by_samples = mesh_surface(sphere, spacing_nm=60.0).certificate
    by_voxels = mesh_surface(sphere, spacing_nm=60.0, voxel_nm=30.0).certificate
    assert by_voxels.distance_p99_voxels == pytest.approx(2 * by_samples.distance_p99_voxels, rel=0.25)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spacing_nm": 0.0}, "spacing_nm must be a positive length in nm, got 0.0"),
        ({"spacing_nm": float("nan")}, "positive length"),
        ({"spacing_nm": 60.0, "voxel_nm": -1.0}, "voxel_nm must be a positive length in nm, got -1.0"),
        ({"spacing_nm": 60.0, "edge_nm": 20.0}, r"edge_nm = 20 is below the voxel size \(60 nm\)"),
        ({"spacing_nm": 0.5}, "at most 1e\\+08 are allowed"),
    ],
)
def test_lengths_that_cannot_be(sphere, arguments, message):
    with pytest.raises(CellmlError, match=message):
        mesh_surface(sphere, **arguments)


def test_what_encloses_nothing():
    sheet = Surface(np.array([[0.0, 0, 0], [100, 0, 0], [100, 100, 0], [0, 100, 0]]), np.array([[0, 1, 2], [0, 2, 3]]), name="sheet")
    with pytest.raises(CellmlError, match="'sheet'"):
        mesh_surface(sheet, spacing_nm=10.0)
