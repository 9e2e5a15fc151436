"""Distance grids against spheres in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.data.shape_arrays import GridRepresentation
from cellml.data.shape_grids import box_centre, distance_grid, fitting_spacing, surface_of_grid
from cellml.errors import CellmlError
from cellml.nets.mesh_template import icosphere
from cellml.shapes.population import Population
from cellml.types import Surface


def ball(radius: float = 100.0, shift: float = 0.0) -> Surface:
    sphere = icosphere(4)
    return Surface(radius * sphere.vertices.double().numpy() + shift, sphere.faces.numpy(), "ball")


def test_a_ball_has_the_distance_of_a_ball() -> None:
    grid = distance_grid(ball(), (24, 25, 26), 12.0, truncate=3.0)
    z, y, x = np.meshgrid(*(12.0 * (np.arange(n) - (n - 1) / 2) for n in (24, 25, 26)), indexing="ij")
    exact = np.clip((np.sqrt(x**2 + y**2 + z**2) - 100) / 12, -3, 3)
    assert grid.dtype == np.float32
    np.testing.assert_allclose(grid, exact, atol=0.03)


def test_axes_are_zyx() -> None:
    flat = Surface(ball().vertices * [1.0, 0.7, 0.4], ball().faces)
    inside = distance_grid(flat, (32, 32, 32), 10.0) < 0
    along = [int(inside.any(axis=axes).sum()) for axes in ((1, 2), (0, 2), (0, 1))]
    assert along == sorted(along)
    assert along[0] < along[1] < along[2]


def test_a_grid_is_a_surface_again_where_it_was() -> None:
    body = ball(shift=1000.0)
    spacing = fitting_spacing(body, (32, 32, 32), margin=3)
    assert spacing == pytest.approx(200 / 25)
    again = surface_of_grid(distance_grid(body, spacing=spacing), spacing, box_centre(body))
    assert again.volume() == pytest.approx(body.volume(), rel=0.01)
    np.testing.assert_allclose(np.linalg.norm(again.vertices - 1000, axis=1), 100, atol=0.5)


def test_a_surface_inside_out_gives_the_same_grid() -> None:
    turned = Surface(ball().vertices, ball().faces[:, ::-1])
    np.testing.assert_array_equal(distance_grid(turned, spacing=10.0), distance_grid(ball(), spacing=10.0))


def test_what_does_not_fit_is_told_with_numbers() -> None:
    with pytest.raises(CellmlError, match=r"spacing of 6\.9\d+ nm"):
        distance_grid(ball(), (32, 32, 32), 5.0)
    with pytest.raises(CellmlError, match="encloses no voxel"):
        distance_grid(Surface(ball().vertices * [1, 1, 1e-3], ball().faces), (32, 32, 32), 10.0)
    with pytest.raises(CellmlError, match="nothing to measure"):
        distance_grid(Surface(ball().vertices, np.zeros((0, 3), np.int64)))
    with pytest.raises(CellmlError, match="4 voxels"):
        distance_grid(ball(), (2, 32, 32), 10.0)
    with pytest.raises(CellmlError, match="no voxel inside"):
        surface_of_grid(np.ones((8, 8, 8)), 1.0)
    with pytest.raises(CellmlError, match="no room"):
        fitting_spacing(ball(), (6, 6, 6), margin=3)


def test_shapes_that_are_drawn_out_fill_the_grid_and_come_back_as_they_were() -> None:
    long = Surface(ball().vertices * [1.0, 1.0, 3.0], ball().faces, "long")
    population = Population(("long",), (long,), ("",), ("",))
    arrays = GridRepresentation((24, 24, 24), stretch=(3.0, 1.0, 1.0)).of(population)
    round_one = GridRepresentation((24, 24, 24)).of(Population(("ball",), (ball(),), ("",), ("",)))
    np.testing.assert_allclose(arrays.values, round_one.values, atol=1e-5)
    assert arrays.units == pytest.approx(round_one.units)
    again = GridRepresentation((24, 24, 24), stretch=(3.0, 1.0, 1.0)).surface(arrays.values[0], float(arrays.units[0]))
    assert np.ptp(again.vertices, axis=0) == pytest.approx([200, 200, 600], rel=0.01)
    assert again.volume() == pytest.approx(3 * ball().volume(), rel=0.02)
    with pytest.raises(CellmlError, match=r"stretch is three positive numbers.*\[3, 0, 1\]"):
        GridRepresentation(stretch=[3, 0, 1])
