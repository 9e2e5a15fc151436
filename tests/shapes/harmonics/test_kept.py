import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.harmonics import kept
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.shapes.harmonics.sphere_map import sphere_map
from cellml.shapes.harmonics.vector import fit_vector
from cellml.types import Surface

POINTS, FACES = geodesic_sphere(2)
BALL, PEBBLE = Surface(100 * POINTS, FACES, "ball"), Surface(POINTS * [100.0, 70.0, 150.0] + 5, FACES, "pebble")
OPEN = Surface(100 * POINTS, FACES[1:], "open")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLML_CACHE", str(tmp_path))
    monkeypatch.setattr(kept, "_SLOW_S", -1.0)
    return tmp_path / "spheres"


@pytest.mark.parametrize("surface", [BALL, PEBBLE])
def test_a_kept_map_is_the_one_that_was_made(folder, monkeypatch, surface):
    one = kept.kept_map(surface)
    monkeypatch.setattr(kept, "sphere_map", None)  # not called again
    other = kept.kept_map(surface)
    assert len(list(folder.iterdir())) == 1
    np.testing.assert_array_equal(one.directions, other.directions)
    assert (one.flips, one.coverage, one.area_ratios) == (other.flips, other.coverage, other.area_ratios)
    assert one.angle_distortion == other.angle_distortion
    first, again = fit_vector(surface, 3), fit_vector(surface, 3, given=other)
    np.testing.assert_array_equal(first.harmonics.values, again.harmonics.values)
    np.testing.assert_array_equal(first.harmonics.centre, again.harmonics.centre)
    assert (first.error, first.splits) == (again.error, again.splits)


def test_a_refusal_is_kept_too(folder, monkeypatch):
    with pytest.raises(CellmlError, match="not one closed surface"):
        kept.kept_map(OPEN)
    monkeypatch.setattr(kept, "sphere_map", None)
    with pytest.raises(CellmlError, match="not one closed surface"):
        kept.kept_map(OPEN)


def test_another_surface_has_another_map(folder):
    kept.kept_map(PEBBLE)
    moved = Surface(PEBBLE.vertices * [1.0, 1.1, 1.0], FACES, "pebble")
    np.testing.assert_array_equal(kept.kept_map(moved).directions, sphere_map(moved).directions)
    assert len(list(folder.iterdir())) == 2
