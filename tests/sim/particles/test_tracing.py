from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.sim.analytic import ball, box
from cellml.sim.particles.cells import chosen, tet_cells, triangle_cells, uniform_points
from cellml.sim.particles.tracing import trace

CUBE = tet_cells(box((1000.0, 1000.0, 1000.0), (3, 3, 3)))
BALL = tet_cells(ball(1000.0, 2))


def folded(x: np.ndarray) -> np.ndarray:
    """Where mirrors at 0 and 1 send a coordinate."""
    return np.abs((x + 1.0) % 2.0 - 1.0)


def inside(cells, x: np.ndarray, cell: np.ndarray) -> bool:
    return bool(cells.gaps(x, cell).min() > -1e-12)


def test_paths_in_a_box_of_mirrors_end_where_unfolding_says():
    rng = np.random.default_rng(1)
    cell = chosen(CUBE.measures, 2000, rng)
    x, step = uniform_points(CUBE, cell, rng), 2.0 * rng.standard_normal((2000, 3))
    path = trace(CUBE, x, cell, step, CUBE.neighbours >= 0)
    assert np.allclose(path.x, folded(x + step), atol=1e-12)
    assert inside(CUBE, path.x, path.cell)
    assert path.relocated == 0


# Directions along axes and diagonals, from grid points, run through corners and edges of cells all the time.
GRID = st.integers(-12, 12).map(lambda n: n / 6.0)


@settings(max_examples=150, deadline=None)
@given(
    start=st.tuples(*[st.integers(0, 6).map(lambda n: n / 6.0)] * 3),
    step=st.tuples(GRID, GRID, GRID),
    nudge=st.sampled_from([0.0, 1e-17, 1e-13]),
)
def test_no_path_leaves_through_a_corner_or_an_edge(start, step, nudge):
    x = np.array([start]) + nudge
    cell = np.array([CUBE.gaps(np.repeat(x, len(CUBE.centres), axis=0), np.arange(len(CUBE.centres))).min(axis=1).argmax()])
    path = trace(CUBE, x, cell, np.array([step]), CUBE.neighbours >= 0)
    assert inside(CUBE, path.x, path.cell)
    assert np.allclose(path.x, folded(x + np.array([step])), atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), length=st.sampled_from([1e-9, 1e-3, 0.3, 5.0]))
def test_no_particle_ever_leaves_a_ball(seed, length):
    rng = np.random.default_rng(seed)
    cell = chosen(BALL.measures, 50, rng)
    x = uniform_points(BALL, cell, rng)
    for _ in range(5):
        path = trace(BALL, x, cell, length * rng.standard_normal(x.shape), BALL.neighbours >= 0)
        x, cell = path.x, path.cell
        assert inside(BALL, x, cell)


def test_paths_that_a_wall_takes_end_on_it_with_the_rest_of_the_way():
    x, cell = CUBE.centres[:1].copy(), np.array([0])
    path = trace(CUBE, x, cell, np.array([[3.0, 0.0, 0.0]]), CUBE.neighbours >= 0, lambda n, c, f: np.ones(len(n), bool))
    assert path.x[0, 0] == pytest.approx(1.0)
    assert path.rest[0] == pytest.approx([3.0 - (1.0 - x[0, 0]), 0.0, 0.0])
    assert CUBE.neighbours[path.cell[0], path.face[0]] == -1


def test_a_path_around_a_cube_comes_back_after_four_edges():
    mesh = box((1000.0, 1000.0, 1000.0), (3, 3, 3))
    skin = triangle_cells(mesh, mesh.facets)
    top = int(np.flatnonzero(np.isclose(skin.centres[:, 2], 1.0))[0])
    x = skin.centres[[top]]
    around = np.array([[4.0, 0.0, 0.0]])
    path = trace(skin, x, np.array([top]), around, skin.neighbours >= 0)
    assert path.x == pytest.approx(x, abs=1e-9)
    quarter = trace(skin, x, np.array([top]), around / 4, skin.neighbours >= 0)
    assert quarter.x[0] == pytest.approx([1.0, x[0, 1], 1.0 - x[0, 0]], abs=1e-9)  # a face further on, as far behind its edge


def test_the_end_of_a_surface_is_a_mirror():
    mesh = box((1000.0, 1000.0, 1000.0), (4, 4, 4), cuts=("z1",))
    square = triangle_cells(mesh, mesh.facets_named("cut_z1"))
    rng = np.random.default_rng(2)
    cell = chosen(square.measures, 500, rng)
    x = uniform_points(square, cell, rng)
    step = np.column_stack([3.0 * rng.standard_normal((500, 2)), np.zeros(500)])
    path = trace(square, x, cell, step, square.neighbours >= 0)
    assert np.allclose(path.x[:, :2], folded(x + step)[:, :2], atol=1e-10)
    assert np.allclose(path.x[:, 2], 1.0)
