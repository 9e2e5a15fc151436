from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.intersections import crossing_facets

BASE = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0]])


@pytest.mark.parametrize(
    ("other", "crosses"),
    [
        ([[1, 1, -1], [1, 1, 1], [9, 9, 0.5]], True),  # an edge of the second through the first
        ([[-5, 1, -1], [9, 1, -1], [2, 1, 9]], True),  # edges of the first through the second
        ([[0, 0, 1], [4, 0, 1], [0, 4, 1]], False),  # parallel, apart
        ([[3, 3, -1], [3, 3, 1], [9, 9, 0.5]], False),  # boxes overlap, triangles do not
    ],
)
def test_pairs_of_triangles(other, crosses):
    points = np.concatenate([BASE, np.array(other, float)])
    assert (len(crossing_facets(points, np.array([[0, 1, 2], [3, 4, 5]]))) == 1) == crosses


def test_neighbours_are_not_compared():
    points = np.concatenate([BASE, [[4.0, 4, 0], [2, 2, 3]]])
    assert len(crossing_facets(points, np.array([[0, 1, 2], [1, 3, 2], [2, 1, 4]]))) == 0
