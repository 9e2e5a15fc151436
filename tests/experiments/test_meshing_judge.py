from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from crossings import crossings
from judge import contradictions, gate_failure_is_true, undue_losses
from measure import Boundary, Measures, corner_angles, dihedral_angles, measure, pieces, pinched_vertices, region_boundary
from reference import of_label, of_surface, to_triangles, voxel_faces
from refusals import CHECKS, Case, verify

from cellml.meshing import Gate
from cellml.types import Labels, Surface

# Six tetrahedra around the diagonal of a cube, 0–2 along each axis.
CUBE = np.array([[x, y, z] for z in (0, 2) for y in (0, 2) for x in (0, 2)], float)
KUHN = np.array([[0, 1, 3, 7], [0, 3, 2, 7], [0, 2, 6, 7], [0, 6, 4, 7], [0, 4, 5, 7], [0, 5, 1, 7]])
GOOD = Boundary(0.01, 9.0, 0.5, 0.6, 1, 2, 1, 2, 0)
FINE = Measures(100, 12.0, 30.0, 0, 25.0, 120.0, 0, {1: GOOD}, ())


def _cube_labels() -> Labels:
    """The same cube as 2 × 2 × 2 voxels of 1 nm in a block of 4: voxel centres at half nanometres."""
    return Labels(np.pad(np.ones((2, 2, 2), np.uint8), 1), (1.0, 1.0, 1.0), origin=(-0.5, -0.5, -0.5))


def test_a_vertex_in_which_two_sheets_meet_is_pinched():
    one = region_boundary(KUHN)
    assert pinched_vertices(one) == 0
    tip = np.where(one == 0, 0, one + 10)  # a second cube that shares nothing but a corner
    assert pinched_vertices(np.concatenate([one, tip])) == 1
    assert gate_failure_is_true("the boundary of 'a' is not manifold", replace(FINE, regions={1: replace(GOOD, pinched=1)}), Gate())


def test_angles_of_regular_shapes():
    regular = np.array([[[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]], float)
    assert dihedral_angles(regular) == pytest.approx(np.full((1, 6), np.degrees(np.arccos(1 / 3))))
    corner = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]], float)
    assert sorted(dihedral_angles(corner)[0]) == pytest.approx([np.degrees(np.arctan(np.sqrt(2)))] * 3 + [90] * 3)
    assert sorted(corner_angles(np.array([[[0, 0, 0], [3, 0, 0], [0, 3, 0]]], float))[0]) == pytest.approx([45, 45, 90])


def test_a_cube_is_measured_exactly():
    mesh = SimpleNamespace(points=CUBE, tets=KUHN, regions=np.ones(6, np.int32))
    found = measure(mesh, {1: of_label(_cube_labels(), 1)})
    region = found.regions[1]
    assert region.volume_error == pytest.approx(0, abs=1e-12)
    assert region.thickness == pytest.approx(2 * 8 / 24)
    assert (region.distance_p99, region.distance_back_p99) == pytest.approx((0, 0), abs=1e-12)
    assert (region.components, region.components_before, region.euler, region.euler_before, region.odd_edges) == (1, 1, 2, 2, 0)
    assert (found.tets, found.shared_too_often, found.lost) == (6, 0, ())
    assert found.dihedral_min == pytest.approx(45)
    assert (found.surface_angle_min, found.surface_angle_max) == pytest.approx((45, 90))


def test_a_shifted_cube_lies_off_by_the_shift():
    mesh = SimpleNamespace(points=CUBE + np.array([0.5, 0, 0]), tets=KUHN, regions=np.ones(6, np.int32))
    region = measure(mesh, {1: of_label(_cube_labels(), 1)}).regions[1]
    assert region.distance_p99 == pytest.approx(0.5, abs=0.01)
    assert region.distance_back_p99 == pytest.approx(0.5, abs=0.01)
    assert region.volume_error == pytest.approx(0, abs=1e-12)


def test_a_region_that_is_not_there_is_lost():
    mesh = SimpleNamespace(points=CUBE, tets=KUHN, regions=np.ones(6, np.int32))
    labels = _cube_labels()
    labels.data[0, 0, 0] = 2
    assert measure(mesh, {n: of_label(labels, n) for n in (1, 2)}).lost == (2,)


def test_pieces_and_boundary_of_two_tetrahedra():
    assert pieces(np.array([[0, 1, 2, 3], [4, 5, 6, 7]])) == 2
    assert pieces(np.array([[0, 1, 2, 3], [0, 2, 1, 4]])) == 1
    assert len(region_boundary(np.array([[0, 1, 2, 3], [0, 2, 1, 4]]))) == 6


def test_long_voxel_faces_come_in_pieces():
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True
    centres, halves = voxel_faces(mask, np.array([4.0, 1.0, 1.0]), np.zeros(3))
    assert len(centres) == 2 + 4 * 4
    area = sum(4 * np.prod(np.sort(half)[1:]) for half in halves)
    assert area == pytest.approx(2 * 1 + 4 * 4)


def test_distance_to_triangles_beside_and_above():
    triangle = np.array([[[0, 0, 0], [4, 0, 0], [0, 4, 0]]], float)
    points = np.array([[1, 1, 3], [-2, 1, 0], [4, 4, 0]], float)
    assert to_triangles(points, np.repeat(triangle, 10, axis=0)) == pytest.approx([3, 2, np.sqrt(8)])


def test_a_surface_is_its_own_reference():
    mesh = SimpleNamespace(points=CUBE, tets=KUHN, regions=np.ones(6, np.int32))
    region = measure(mesh, {1: of_surface(Surface(CUBE, region_boundary(KUHN)), 1.0, 2.0)}).regions[1]
    assert region.volume_error == pytest.approx(0)
    assert region.distance_p99 == pytest.approx(0, abs=1e-9)
    assert (region.components_before, region.euler_before) == (1, 2)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"dihedral_min": 9.9}, "dihedral"),
        ({"surface_angle_min": 19.9}, "surface angles"),
        ({"surface_angle_max": 130.1}, "surface angles"),
        ({"shared_too_often": 1}, "more than two"),
        ({"regions": {1: replace(GOOD, volume_error=-0.03)}}, "volume of 1 -3.00 %"),
        ({"regions": {1: replace(GOOD, volume_error=0.06, thickness=2.0)}}, "volume"),
        ({"regions": {1: replace(GOOD, distance_p99=1.2)}}, "distance"),
        ({"regions": {1: replace(GOOD, odd_edges=2)}}, "not manifold"),
        ({"regions": {1: replace(GOOD, pinched=1)}}, "vertices that are not manifold"),
    ],
)
def test_each_limit_is_judged(change, word):
    assert contradictions(FINE, Gate()) == []
    assert word in "; ".join(contradictions(replace(FINE, **change), Gate()))


def test_thin_regions_may_lose_more_volume():
    assert contradictions(replace(FINE, regions={1: replace(GOOD, volume_error=0.03, thickness=2.0)}), Gate()) == []


def test_gate_failures_are_believed_only_where_we_see_them():
    said = "smallest dihedral angle 3.0° is below 10°"
    assert not gate_failure_is_true(said, FINE, Gate())
    assert gate_failure_is_true(said, replace(FINE, dihedral_min=3.0), Gate())
    volume = "volume of 'a' differs by +9.0 % from its source (limit 2 %)"
    assert not gate_failure_is_true(volume, FINE, Gate())
    assert gate_failure_is_true(volume, replace(FINE, regions={1: replace(GOOD, volume_error=0.09)}), Gate())


def test_crossings_of_two_tetrahedra_and_of_facets_that_touch():
    corner = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    faces = region_boundary(np.array([[0, 1, 2, 3]]))
    for shift, expected in (((5, 0, 0), False), ((0.3, 0.1, 0.1), True), ((1, 0, 0), True)):
        both = Surface(np.concatenate([corner, corner + np.array(shift)]), np.concatenate([faces, faces + 4]))
        assert (crossings(both) > 0) == expected
    assert crossings(Surface(CUBE, region_boundary(KUHN))) == 0


def test_a_label_may_be_lost_only_if_it_is_debris():
    data = np.zeros((8, 8, 8), np.uint8)
    data[:3, :3, :3] = 1
    data[5:7, 5:7, 5:7] = 2
    lost = replace(FINE, lost=(1, 2))
    assert undue_losses(Labels(data, (1.0, 1.0, 1.0)), lost, 27) == ["label 1 lost, with a fragment of 27 voxels"]


def _dots() -> Case:
    data = np.zeros((9, 9, 9), np.uint8)
    data[0, 0, :3] = data[4, 4, :5] = 1
    data[8, 8, 8] = 7
    return Case(Labels(data, (10.0, 10.0, 10.0)), wall_s=10.0, timeout_s=10.0)


@pytest.mark.parametrize(
    ("message", "kind", "true"),
    [
        ("'a' holds background only (all 729 voxels are 0); there is nothing to mesh.", "background only", False),
        (
            "Label 1 of 'a' has 8 voxels in fragments of at most 5, and it is the largest of 2 labels; at least 27 connected",
            "too few voxels",
            True,
        ),
        ("Label 1 of 'a' has 8 voxels in fragments of at most 4; at least 27 connected", "too few voxels", False),
        ("Label 1 of 'a' has 9 voxels in fragments of at most 5; at least 27 connected", "too few voxels", False),
        ("Label 7 of 'a' has 1 voxel; at least 27 connected through faces are needed", "too few voxels", True),
        ("Label 1 of 'a' has 8 voxels in fragments of at most 5; at least 4 connected", "too few voxels", False),
        (
            "Label 1 of 'a' has 3 of its 8 voxels (37.5 %) in fragments of fewer than 5 voxels, no shape; at most 10 % are",
            "mostly crumbs",
            True,
        ),
        (
            "Label 1 of 'a' has 3 of its 8 voxels (37.5 %) in fragments of fewer than 5 voxels, no shape; at most 50 % are",
            "mostly crumbs",
            False,
        ),
        (
            "Label 1 of 'a' has 4 of its 8 voxels (50.0 %) in fragments of fewer than 5 voxels, no shape; at most 10 % are",
            "mostly crumbs",
            False,
        ),
        ("A background of 20 nm would take about 9e9 tetrahedra; at most 3e+06 are made at once.", "background too large", False),
        ("A background of 0.1 nm would take about 9e9 tetrahedra; at most 3e+06 are made at once.", "background too large", True),
        ("'a' holds 2 labels (labels 1, 7); at most 1 are meshed together.", "too many labels", True),
        ("'a' holds 3 labels (labels 1, 2, 7); at most 2 are meshed together.", "too many labels", False),
        ("'a' has no voxel with label 3; it has labels 1, 7.", "label absent", True),
        ("'a' has no voxel with label 7; it has labels 1.", "label absent", False),
        ("Label 1 leaves no tetrahedron on a background of 20 nm: it is too thin", "no tetrahedron", True),
        ("Label 1 leaves no tetrahedron on a background of 5 nm: it is too thin", "no tetrahedron", False),
        ("MMG made no mesh of 9 tetrahedra: its process was stopped after 10 s (timeout_s = 10)", "out of time", True),
        ("MMG made no mesh of 9 tetrahedra: its process was ended by signal 11", "tool ended", False),
        ("Something else went wrong.", "unknown message", False),
    ],
)
def test_refusals_are_checked_against_the_labels(message, kind, true):
    verdict = verify(message, _dots())
    assert (verdict.kind, verdict.verified) == (kind, true)


def test_emptiness_is_true_of_an_empty_volume_only():
    empty = Case(Labels(np.zeros((2, 3, 4), np.uint8), (1.0, 1.0, 1.0)))
    assert verify("'a' holds background only (all 24 voxels are 0)", empty).verified
    assert not verify("'a' holds background only (all 23 voxels are 0)", empty).verified
    assert len({kind for kind, _, _ in CHECKS}) == len(CHECKS)
