import numpy as np
import pytest
import trimesh

from cellml.errors import CellmlError
from cellml.shapes.alignment import Alignment, align
from cellml.shapes.correspondence import aligned_coefficients
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.shapes.harmonics.rotation import rotation_of
from cellml.shapes.population import Population
from cellml.types import Surface


def egg():
    points, faces = geodesic_sphere(3)
    return Surface(points * [300.0, 200.0, 120.0] * (1 + 0.2 * points[:, :1] + 0.15 * points[:, 1:2]), faces)


def population(surfaces):
    count = len(surfaces)
    return Population(tuple(f"shape {n}" for n in range(count)), tuple(surfaces), ("",) * count, ("",) * count)


def moved(surface, seed):
    rng = np.random.default_rng(seed)
    return Surface(surface.vertices @ rotation_of(rng.normal(size=3) * 2).T + rng.normal(size=3) * 1000, surface.faces)


def test_copies_anywhere_come_to_lie_on_each_other():
    aligned = align(population([moved(egg(), seed) for seed in range(4)]))
    first = aligned.population.surfaces[0]
    for other, frame, seed in zip(aligned.population.surfaces, aligned.frames, range(4), strict=False):
        np.testing.assert_allclose(other.vertices, first.vertices, atol=1e-6)
        np.testing.assert_allclose(frame.back(other.vertices), moved(egg(), seed).vertices, atol=1e-6)
    assert np.ptp(first.vertices, axis=0).argmax() == 0


def test_about_z_only():
    turn = rotation_of(np.array([0, 0, 1.0]))
    shapes = [egg(), Surface(egg().vertices @ turn.T + 5, egg().faces)]
    aligned = align(population(shapes), Alignment(rotate="z"))
    for frame in aligned.frames:
        np.testing.assert_allclose(frame.rotation[2], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(aligned.population.surfaces[0].vertices, aligned.population.surfaces[1].vertices, atol=1e-6)


def test_scale_makes_volumes_equal():
    small = Surface(0.5 * egg().vertices, egg().faces)
    aligned = align(population([egg(), small]), Alignment(scale=True))
    assert aligned.population.surfaces[0].volume() == pytest.approx(aligned.population.surfaces[1].volume())


def test_doubtful_rotations_are_said():
    points, faces = geodesic_sphere(3)
    report = align(population([Surface(points * [3.0, 2.0, 1.0], faces)])).report
    assert "in doubt" in report[1]


def test_correspondence_of_the_same_shape_with_other_meshes():
    rng = np.random.default_rng(0)
    shapes = []
    for seed in range(3):
        points = geodesic_sphere(3)[0] @ rotation_of(rng.normal(size=3)).T  # the same egg, meshed over another sphere
        bulge = 1 + 0.2 * points[:, :1] + 0.15 * points[:, 1:2]
        shapes.append(moved(Surface(points * [300.0, 200.0, 120.0] * bulge, geodesic_sphere(3)[1]), seed))
    found = aligned_coefficients(population(shapes), 5)
    spread = np.sqrt(((found.values - found.values.mean(axis=0)) ** 2).sum(axis=1) / (4 * np.pi))
    assert spread.max() < 0.04 * 200
    assert found.values.shape == (3, 3 * 36)
    again = aligned_coefficients(population(shapes[:1]), 5, reference=found)
    np.testing.assert_allclose(again.values[0], found.values[0], atol=2.0)
    np.testing.assert_allclose(found.harmonics(1).at(geodesic_sphere(1)[0]), found.harmonics(0).at(geodesic_sphere(1)[0]), atol=40)


def test_messages():
    with pytest.raises(CellmlError, match=r"alignment\.rotate is one of axes"):
        Alignment(rotate="banana")
    with pytest.raises(CellmlError, match="1 of 2 shapes have no harmonics"):
        broken = Surface(egg().vertices[:4], np.array([[0, 1, 2], [0, 2, 1], [0, 1, 3], [0, 3, 1]]))
        aligned_coefficients(population([egg(), broken]), 2, Alignment(centre="none", rotate="none"))


def test_a_shape_without_harmonics_is_left_out_by_name_where_asked() -> None:
    points, faces = geodesic_sphere(2)
    sphere = Surface(100 * points, faces, "ball")
    ring = trimesh.creation.torus(100.0, 30.0, major_sections=24, minor_sections=12)
    torus = Surface(np.asarray(ring.vertices), np.asarray(ring.faces), "ring")
    both = Population(("ball", "ring"), (sphere, torus), ("a", "b"), ("", ""))
    with pytest.raises(CellmlError, match="1 of 2 shapes have no harmonics of degree 3.*ring"):
        aligned_coefficients(both, 3)
    found = aligned_coefficients(both, 3, skip=True)
    assert found.names == ("ball",) and found.values.shape == (1, 48) and len(found.frames) == 1
    assert found.left_out[0][0] == "ring"
