import numpy as np
import pytest
from scipy.special import sph_harm_y

from cellml.errors import CellmlError
from cellml.shapes.harmonics.basis import degree_of, degrees, real_harmonics
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.shapes.harmonics.star import fit_star
from cellml.shapes.harmonics.voxels import boundary_faces, fit_star_voxels
from cellml.types import Labels, Surface


def star(degree=8, seed=0, size=1000.0, rough=0.1):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(1, (degree + 1) ** 2)) * size * rough / (1 + degrees(degree)) ** 2
    values[0, :4] = size * np.sqrt(4 * np.pi), 0, 0, 0
    return Harmonics(values, np.array([30.0, -20.0, 500.0]))


def test_values_are_those_of_scipy():
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(40, 3))
    x, y, z = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    theta, phi = np.arccos(z), np.arctan2(y, x)
    found = real_harmonics(directions, 20)
    for el in (0, 1, 2, 7, 20):
        for m in range(el + 1):
            value = sph_harm_y(el, m, theta, phi) * (-1) ** m * (np.sqrt(2) if m else 1)
            np.testing.assert_allclose(found[:, el * el + el + m], value.real, atol=1e-12)
            if m:
                np.testing.assert_allclose(found[:, el * el + el - m], value.imag, atol=1e-12)


def test_many_directions_are_evaluated_in_parts_and_poles_have_an_azimuth_of_zero():
    directions = np.random.default_rng(2).normal(size=(9000, 3))
    directions[[0, -1]] = [0, 0, 2], [0, 0, -1]
    found = real_harmonics(directions, 6)
    np.testing.assert_allclose(found[::1111], real_harmonics(directions[::1111], 6), atol=1e-13)
    el = degrees(6)
    middle = np.arange(7) * np.arange(1, 8)
    assert not np.delete(found[[0, -1]], middle, axis=1).any()
    np.testing.assert_allclose(found[0, middle], np.sqrt((2 * el[middle] + 1) / (4 * np.pi)))


def test_single_precision_differs_by_round_off_only():
    directions = np.random.default_rng(3).normal(size=(500, 3))
    found = real_harmonics(directions, 16, np.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, real_harmonics(directions, 16), atol=2e-5)


def test_degree_1_is_x_y_z():
    directions = geodesic_sphere(1)[0]
    np.testing.assert_allclose(real_harmonics(directions, 1)[:, 1:], np.sqrt(3 / (4 * np.pi)) * directions[:, [1, 2, 0]], atol=1e-14)


def test_geodesic_sphere_is_closed_even_and_outwards():
    for level in range(4):
        points, faces = geodesic_sphere(level)
        surface = Surface(points, faces)
        assert (len(points), len(faces)) == (10 * 4**level + 2, 20 * 4**level)
        assert np.allclose(np.linalg.norm(points, axis=1), 1)
        assert 0.55 * 4 / 3 * np.pi < surface.volume() < 4 / 3 * np.pi
        assert surface.areas().max() < 2 * surface.areas().min()


@pytest.mark.parametrize("degree", [1, 3, 16])
def test_clean_meshes_give_their_coefficients_back(degree):
    truth = star(degree)
    fit = fit_star(truth.surface(4), degree, centre=truth.centre)
    assert np.abs(fit.values - truth.values).max() < 1e-10 * 1000


def test_lower_degree_of_a_fit_is_the_truncation_of_a_higher_one():
    truth = star(12)
    fit = fit_star(truth.surface(5), 6, centre=truth.centre)
    # Weights are solid angles of vertices, a rule that is exact to the fineness of the mesh only.
    assert np.abs(fit.values - truth.truncated(6).values).max() < 0.2


def test_centre_is_the_centroid_of_a_ball():
    points, faces = geodesic_sphere(4)
    fit = fit_star(Surface(points * 50 + [1.0, 2.0, 3.0], faces), 4)
    np.testing.assert_allclose(fit.centre, [1, 2, 3], atol=1e-10)
    assert abs(fit.values[0, 0] / np.sqrt(4 * np.pi) - 50) < 1e-9


def test_voxels_of_a_ball_with_unlike_spacing():
    spacing, radius = (4.0, 2.0, 2.0), 60.0
    z, y, x = np.meshgrid(*[np.arange(-n, n + 1) * s for n, s in zip((18, 35, 35), spacing, strict=False)], indexing="ij")
    labels = Labels(x**2 + y**2 + z**2 < radius**2, spacing, (-72.0, -70.0, -70.0))
    fit = fit_star_voxels(labels, 4)
    assert abs(fit.values[0, 0] / np.sqrt(4 * np.pi) / radius - 1) < 0.003
    assert np.abs(fit.values[0, 1:]).max() < 1.5
    np.testing.assert_allclose(fit.centre, 0, atol=1e-9)


def test_voxelised_stars_come_back_within_half_a_percent():
    size = 24.0
    for seed in range(2):
        truth = star(8, seed, size)
        grid = np.stack(np.meshgrid(*[np.arange(-34.0, 35.0)] * 3, indexing="ij"), -1)[..., ::-1]
        points = grid.reshape(-1, 3) + 1e-9
        inside = np.linalg.norm(points, axis=1) < real_harmonics(points, 8) @ truth.values[0]
        fit = fit_star_voxels(Labels(inside.reshape(grid.shape[:3]), (1.0,) * 3, (-34.0,) * 3), 8, centre=np.zeros(3))
        off = np.sqrt(((fit.values - truth.values) ** 2).sum() / (4 * np.pi)) / size
        assert off < 0.003


def test_voxels_are_fitted_as_by_the_normal_equations_in_double_precision():
    size, middle = 20.0, np.array([0.3, -0.2, 0.1])
    points = np.stack(np.meshgrid(*[np.arange(-28.0, 29.0)] * 3, indexing="ij"), -1)[..., ::-1] - middle
    inside = np.linalg.norm(points, axis=-1) < (real_harmonics(points.reshape(-1, 3), 8) @ star(8, 1, size).values[0]).reshape(57, 57, 57)
    labels = Labels(inside, (1.0,) * 3, (-28.0,) * 3)
    faces, normals = boundary_faces(inside, labels)
    arms = faces - middle
    radius = np.linalg.norm(arms, axis=1)
    basis, weights = real_harmonics(arms, 12), np.maximum((arms * normals).sum(axis=1) / radius**3, 0)
    wanted = np.linalg.solve((basis * weights[:, None]).T @ basis, basis.T @ (weights * radius))
    np.testing.assert_allclose(fit_star_voxels(labels, 12, centre=middle).values[0], wanted, atol=1e-5 * size)


def test_messages():
    ball = star(4).surface(2)
    with pytest.raises(CellmlError, match="162 vertices, and degree 16 has 289.*degree 11 or less"):
        fit_star(ball, 16)
    with pytest.raises(CellmlError, match="not star-shaped"):
        fit_star(ball, 4, centre=np.array([5000.0, 0, 0]))
    with pytest.raises(CellmlError, match="NaN or infinite"):
        Harmonics(np.full((1, 4), np.nan), np.zeros(3))
    with pytest.raises(CellmlError, match=r"10 harmonic coefficients are no complete set"):
        degree_of(10)
    with pytest.raises(CellmlError, match="meets the border"):
        fit_star_voxels(Labels(np.ones((5, 5, 5), bool), (1.0,) * 3), 2)
    with pytest.raises(CellmlError, match="from 0 to 128"):
        real_harmonics(np.ones((1, 3)), -1)
    with pytest.raises(CellmlError, match="encloses"):
        fit_star(Surface(ball.vertices, ball.faces[:, ::-1]), 4)
