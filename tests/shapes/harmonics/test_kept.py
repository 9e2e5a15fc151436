import numpy as np
import pytest

from cellml.shapes.harmonics import kept
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.shapes.harmonics.vector import VectorFit, fit_vector
from cellml.types import Surface

POINTS, FACES = geodesic_sphere(2)
BALL, PEBBLE = Surface(100 * POINTS, FACES, "ball"), Surface(POINTS * [100.0, 70.0, 150.0] + 5, FACES, "pebble")
OPEN = Surface(100 * POINTS, FACES[1:], "open")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLML_CACHE", str(tmp_path))
    monkeypatch.setattr(kept, "_SLOW_S", -1.0)
    return tmp_path / "harmonics"


def test_a_kept_fit_is_the_one_that_was_made(folder, monkeypatch):
    first = [kept.kept_fit(surface, 3) for surface in (BALL, OPEN, PEBBLE)]
    monkeypatch.setattr(kept, "fit_vector", None)  # not called again
    again = [kept.kept_fit(surface, 3) for surface in (BALL, OPEN, PEBBLE)]
    assert len(list(folder.iterdir())) == 3
    assert first[1] == again[1] and "not one closed surface" in first[1]
    for place in (0, 2):
        one, other = first[place], again[place]
        assert isinstance(one, VectorFit) and isinstance(other, VectorFit)
        np.testing.assert_array_equal(one.harmonics.values, other.harmonics.values)
        np.testing.assert_array_equal(one.harmonics.centre, other.harmonics.centre)
        np.testing.assert_array_equal(one.map.directions, other.map.directions)
        assert (one.error, one.splits, one.harmonics.name) == (other.error, other.splits, other.harmonics.name)
        assert (one.map.flips, one.map.coverage, one.map.area_ratios) == (other.map.flips, other.map.coverage, other.map.area_ratios)
        assert one.map.angle_distortion == other.map.angle_distortion


def test_another_surface_or_degree_is_another_fit(folder):
    kept.kept_fit(PEBBLE, 2)
    moved = Surface(PEBBLE.vertices + 1e-9, FACES, "pebble")
    found = kept.kept_fit(moved, 2)
    np.testing.assert_array_equal(found.harmonics.values, fit_vector(moved, 2).harmonics.values)
    assert kept.kept_fit(PEBBLE, 3).harmonics.degree == 3
    assert len(list(folder.iterdir())) == 3
