from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing import Gate
from cellml.meshing.certificate import SourceRegion, certify, strays_by
from cellml.meshing.cut import CutMesh
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.topology import boundary_facets
from cellml.types import Labels, TetMesh


@pytest.fixture(scope="module")
def block():
    """A box of 40 × 40 × 60 nm, made by hand: 45° is the smallest dihedral angle of the lattice."""
    points, tets = body_centred_cubic(np.zeros(3), np.array([60.0, 40.0, 40.0]), np.ones((6, 4, 4), bool))
    facets = boundary_facets(tets)
    mesh = TetMesh(points, tets, np.ones(len(tets)), {1: "box"}, facets, np.ones(len(facets)), {1: "membrane"}, name="block")
    return certify(mesh, {1: SourceRegion(96, 96000.0, 1, 2)}, 10.0)


def test_numbers_of_a_box(block):
    assert block.dihedral_min_deg == pytest.approx(45.0)
    assert (block.surface_angle_min_deg, block.surface_angle_max_deg) == pytest.approx((45.0, 90.0))
    assert block.membrane_area_nm2 == pytest.approx(2 * 1600 + 4 * 2400)
    box = block.regions["box"]
    assert box.volume_nm3 == pytest.approx(96000.0)
    assert box.volume_error == pytest.approx(0.0, abs=1e-12)
    assert box.thickness_voxels == pytest.approx(2 * 96000 / 12800 / 10)
    assert (box.closed, box.oriented, box.manifold, box.euler, box.components) == (True, True, True, 2, 1)
    assert (block.components, block.crossing_facets, block.tets_below_10_deg) == (1, 0, 0)


def test_a_good_mesh_passes(block):
    assert block.passes(Gate()) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dihedral_min_deg": 6.2}, "smallest dihedral angle 6.2° is below 10°"),
        ({"conforming": False}, "more than two tetrahedra"),
        ({"surface_angle_min_deg": 13.0}, "smallest surface angle 13.0° is below 20°"),
        ({"surface_angle_max_deg": 140.0}, "largest surface angle 140.0° is above 130°"),
        ({"inverted_tets": 2}, "2 tetrahedra are inverted or flat in exact arithmetic"),
        ({"hanging_vertices": 4, "conforming": False}, "4 vertices hang"),
        ({"lost_regions": ("vesicle",)}, "region 'vesicle' of the source has no tetrahedron"),
        ({"crossing_facets": 3}, "3 pairs of membrane facets cross"),
    ],
)
def test_each_fault_is_named(block, change, reason):
    assert any(reason in said for said in replace(block, **change).passes(Gate()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"volume_error": -0.03, "thickness_voxels": 8.0}, "volume of 'box' differs by -3.0 % from its source (limit 2 %)"),
        ({"volume_error": 0.06, "thickness_voxels": 1.5}, "volume of 'box' differs by +6.0 % from its source (limit 5 %)"),
        ({"manifold": False}, "the boundary of 'box' is not manifold"),
        ({"closed": False}, "the boundary of 'box' is not closed"),
    ],
)
def test_each_fault_of_a_region_is_named(block, change, reason):
    assert replace(block, regions={"box": replace(block.regions["box"], **change)}).passes(Gate()) == [reason]


def test_thin_regions_may_differ_more(block):
    thin = replace(block, regions={"box": replace(block.regions["box"], volume_error=0.04, thickness_voxels=1.5)})
    assert thin.passes(Gate()) == []


@pytest.mark.parametrize("limits", [{"min_dihedral_deg": 80.0}, {"volume_error": 0.0}])
def test_impossible_gates_are_refused(limits):
    with pytest.raises(CellmlError, match="gate"):
        Gate(**limits)


def test_distance_to_the_labels():
    points, tets = body_centred_cubic(np.zeros(3), np.array([60.0, 40.0, 40.0]), np.ones((6, 4, 4), bool))
    mesh = TetMesh(points + np.array([2.0, 0, 0]), tets, np.ones(len(tets)), {1: "box"})
    labels = Labels(np.ones((6, 4, 4), int), (10.0, 10.0, 10.0), origin=(5.0, 5.0, 5.0))
    found = certify(mesh, {1: SourceRegion(96, 96000.0, 1, 2)}, 10.0, source=labels)
    assert found.regions["box"].distance.hausdorff_nm == pytest.approx(2.0)
    assert found.distance_p99_voxels == found.regions["box"].distance_p99_voxels == pytest.approx(0.2)
    assert found.passes(Gate()) == []
    assert found.passes(Gate(distance_p99_voxels=0.1)) == [
        "1 % of the boundary of 'box' lies further than 0.20 voxels from its source (limit 0.1)"
    ]
    assert found.as_dict()["regions"]["box"]["distance"]["to_mesh"]["largest_nm"] == pytest.approx(2.0)


def test_how_far_a_mesh_strays_is_known_before_it_is_optimised():
    """The same percentile as in the certificate, of the region that strays most."""
    points, tets = body_centred_cubic(np.zeros(3), np.array([60.0, 40.0, 40.0]), np.ones((6, 4, 4), bool))
    regions = np.where(points[tets].mean(axis=1)[:, 2] < 30.0, 1, 2).astype(np.int32)
    data = np.ones((6, 4, 4), int)
    data[4:] = 2  # where the mesh has its interface at 30 nm, the labels have theirs at 40
    labels = Labels(data, (10.0, 10.0, 10.0), origin=(5.0, 5.0, 5.0))
    cut = CutMesh(points, tets, np.zeros(len(points)), np.zeros(len(points), np.int64), regions)
    sources = {1: SourceRegion(64, 64000.0, 1, 2), 2: SourceRegion(32, 32000.0, 1, 2)}
    certified = certify(TetMesh(points, tets, regions, {1: "a", 2: "b"}), sources, 10.0, source=labels)
    assert strays_by(cut, labels) == certified.distance_p99_voxels > 1.0
    assert strays_by(cut, labels, 20.0) == pytest.approx(0.5 * strays_by(cut, labels))


def test_without_a_source_there_is_no_distance(block):
    assert block.distance_p99_voxels is None
    assert block.passes(Gate()) == []


def _two_blocks(shift):
    """Two boxes side by side along z, region 1 and 2, in two meshes that were never joined."""
    points, tets = body_centred_cubic(np.zeros(3), np.array([20.0, 20.0, 20.0]), np.ones((2, 2, 2), bool))
    points = np.concatenate([points, points + np.array([0, 0, 20.0 + shift])])
    tets = np.concatenate([tets, tets + len(points) // 2])
    return TetMesh(points, tets, np.repeat([1, 2], len(tets) // 2), {1: "low", 2: "high"})


def test_meshes_that_touch_without_being_joined_are_not_conforming():
    apart, touching = (certify(_two_blocks(shift), {}, None) for shift in (1.0, 0.0))
    assert (apart.conforming, apart.hanging_vertices, apart.crossing_facets, apart.components) == (True, 0, 0, 2)
    assert not touching.conforming
    assert touching.hanging_vertices > 0
    assert touching.crossing_facets > 0
    assert any("hang" in reason for reason in touching.passes(Gate()))


def test_without_a_source_what_needs_one_is_unknown():
    found = certify(_two_blocks(1.0), {}, None)
    assert found.passes(Gate()) == []
    assert (found.volume_error, found.distance_p99_voxels) == (None, None)
    low = found.regions["low"]
    assert (low.voxels, low.volume_error, low.components_before, low.thickness_voxels, low.topology_changed) == (None,) * 5
    assert (low.components, low.euler, low.volume_nm3) == (1, 2, pytest.approx(8000.0))


def test_a_region_of_the_source_without_tetrahedra_is_lost():
    found = certify(_two_blocks(1.0), {n: SourceRegion(8, 8000.0, 1, 2) for n in (1, 2, 3)}, 10.0)
    assert found.lost_regions == ("3",)


def test_regions_of_the_same_name_are_told_apart():
    assert set(certify(replace(_two_blocks(1.0), region_names={1: "ER", 2: "ER"}), {}, None).regions) == {"ER (1)", "ER (2)"}


def test_one_tetrahedron():
    points = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) + 1e6
    found = certify(TetMesh(points, np.array([[0, 1, 3, 2]]), np.ones(1)), {}, None)
    assert found.passes(Gate()) == []
    assert found.regions["1"].euler == 2
    json.dumps(found.as_dict(), allow_nan=False)


def test_a_changed_topology_is_seen(block):
    box = block.regions["box"]
    assert box.topology_changed is False
    assert replace(box, euler_before=0).topology_changed is True


def test_the_certificate_is_json_without_surprises(block):
    text = json.dumps(block.as_dict(), allow_nan=False)
    stored = json.loads(text)
    assert len(text) < 10_000
    assert sum(stored["quality"]["dihedral"]["counts"]) == 6 * block.tets
    assert stored["regions"]["box"]["topology_changed"] is False
    assert stored["membranes"]["membrane"]["facets"] == stored["surface"]["facets"]
