from __future__ import annotations

import numpy as np

from cellml.sim.analytic import ball
from cellml.sim.particles.cells import chosen, tet_cells, triangle_cells, uniform_points


def test_neighbours_know_each_other_and_share_planes_exactly():
    cells = tet_cells(ball(1000.0, 2))
    cell, face = np.nonzero(cells.neighbours >= 0)
    other, entry = cells.neighbours[cell, face], cells.entries[cell, face]
    assert (cells.neighbours[other, entry] == cell).all()
    assert (cells.normals[other, entry] == -cells.normals[cell, face]).all()
    assert (cells.offsets[other, entry] == -cells.offsets[cell, face]).all()
    assert (cells.gaps(cells.centres, np.arange(len(cells.centres))) > 0).all()


def test_measures_are_volumes_and_areas():
    mesh = ball(2000.0, 2)
    assert np.allclose(tet_cells(mesh).measures, mesh.volumes() / 1e9)
    surface = triangle_cells(mesh, mesh.facets)
    a, b, c = (mesh.points[mesh.facets[:, i]] / 1e3 for i in range(3))
    assert np.allclose(surface.measures, 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1))
    assert (surface.neighbours >= 0).all()  # a closed surface has no ends


def test_an_edge_of_three_triangles_ends_a_surface():
    mesh = ball(1000.0, 1)
    a, b = mesh.tets[0, :2]
    around = [int(p) for p in np.unique(mesh.tets[(mesh.tets == a).any(axis=1) & (mesh.tets == b).any(axis=1)]) if p not in (a, b)]
    pair, fan = (np.array([[a, b, p] for p in around[:n]]) for n in (2, 3))
    assert (triangle_cells(mesh, pair).neighbours[:, 2] == [1, 0]).all()
    assert (triangle_cells(mesh, fan).neighbours == -1).all()


def test_points_are_uniform_in_their_cells():
    cells, rng = tet_cells(ball(1000.0, 1)), np.random.default_rng(0)
    cell = chosen(cells.measures, 40_000, rng)
    counts, expected = np.bincount(cell, minlength=len(cells.measures)), 40_000 * cells.measures / cells.measures.sum()
    assert (np.abs(counts - expected) < 4.5 * np.sqrt(expected)).all()
    x = uniform_points(cells, np.zeros(40_000, np.int64), rng)
    assert cells.gaps(x, np.zeros(40_000, np.int64)).min() > 0
    # Each barycentric coordinate of a uniform point has mean 1/4 and variance 3/80.
    shares = cells.gaps(x, np.zeros(40_000, np.int64)) / cells.gaps(cells.corners[0], np.zeros(4, np.int64)).diagonal()
    assert np.allclose(shares.mean(axis=0), 0.25, atol=4 * np.sqrt(3 / 80 / 40_000))
