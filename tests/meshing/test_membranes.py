from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.membranes import NO_REGION, membranes, triple_lines
from cellml.meshing.topology import boundary_facets, facet_pairs, surface_topology

NAMES = {1: "left", 2: "right", 3: "third"}
SIZE = np.array([60.0, 40.0, 40.0])


def _box():
    """A box of 60 × 40 × 40 nm, columns (x, y, z) = (40, 40, 60)."""
    points, tets = body_centred_cubic(np.zeros(3), SIZE, np.ones((6, 4, 4), bool))
    return points, tets, points[tets].mean(axis=1)


def _lines(points, tets, regions):
    return triple_lines(points, membranes(facet_pairs(tets), regions), NAMES)


def test_one_region_has_no_triple_line():
    points, tets, _ = _box()
    assert _lines(points, tets, np.ones(len(tets), np.int32)) == ((), 0)


def test_two_halves_meet_the_outside_around_their_interface():
    points, tets, middle = _box()
    # The lattice is cut along layers of its cubes, so that the interface is jagged: its rim is no shorter than the rim of the section.
    lines, others = _lines(points, tets, np.where(middle[:, 2] < 30, 1, 2).astype(np.int32))
    assert [line.regions for line in lines] == [("outside", "left", "right")]
    assert lines[0].length_nm >= 4 * 40
    assert others == 0


def test_the_interface_of_two_prisms():
    """Two prisms of three tetrahedra each, side by side: the interface is a square of two triangles, its rim the triple line."""
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
    tets = np.array([[0, 1, 3, 7], [0, 1, 7, 5], [0, 5, 7, 4], [0, 3, 2, 7], [0, 2, 6, 7], [0, 6, 4, 7]])
    for tet in tets:  # all positive
        if np.linalg.det(points[tet[1:]] - points[tet[0]]) < 0:
            tet[[2, 3]] = tet[[3, 2]]
    lines, others = _lines(points, tets, np.array([1, 1, 1, 2, 2, 2], np.int32))
    assert (lines[0].regions, lines[0].edges, others) == (("outside", "left", "right"), 4, 0)
    assert lines[0].length_nm == pytest.approx(2 + 2 * 2**0.5)


def test_three_regions_meet_in_one_line_inside():
    points, tets, middle = _box()
    regions = np.where(middle[:, 2] < 30, 1, np.where(middle[:, 0] < 20, 2, 3)).astype(np.int32)
    lines, others = _lines(points, tets, regions)
    assert {line.regions for line in lines} >= {("outside", "left", "right"), ("outside", "left", "third"), ("left", "right", "third")}
    assert others == 0


def test_two_parts_that_touch_in_an_edge_are_no_triple_line():
    """A checkerboard of four prisms around the z axis: regions 1, 2, 1, 2."""
    points = np.array([[0.0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
    tets = np.array([[0, 2, 3, 1], [0, 3, 4, 1], [0, 4, 5, 1], [0, 5, 2, 1]])
    lines, others = _lines(points, tets, np.array([1, 2, 1, 2], np.int32))
    assert others == 1
    assert {line.regions for line in lines} == {("outside", "left", "right")}
    lines, others = _lines(points, tets, np.array([1, 2, 1, 3], np.int32))  # region 1 has two wedges there
    assert others == 1


def test_boundaries_of_regions_are_theirs_and_outward():
    points, tets, middle = _box()
    regions = np.where(np.linalg.norm(middle - SIZE[::-1] / 2, axis=1) < 15, 2, 1).astype(np.int32)
    found = membranes(facet_pairs(tets), regions)
    for number in (1, 2):
        around, expected = found.around(number), boundary_facets(tets[regions == number])
        assert {tuple(sorted(f)) for f in around.tolist()} == {tuple(sorted(f)) for f in expected.tolist()}
        assert surface_topology(around).oriented
        a, b, c = (points[around[:, i]] for i in range(3))
        inside = points[tets[regions == number]]
        volume = np.abs(np.linalg.det(inside[:, 1:] - inside[:, :1])).sum() / 6
        assert np.einsum("ij,ij->", a, np.cross(b, c)) / 6 == pytest.approx(volume)
    assert (found.sides[:, 1] == NO_REGION).sum() == len(boundary_facets(tets))
