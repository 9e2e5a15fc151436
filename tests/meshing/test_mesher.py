from __future__ import annotations

import json

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing import Gate, MeshingError, mesh_labels
from cellml.meshing.topology import facet_pairs, surface_topology
from cellml.types import Labels

SPACING = (10.0, 10.0, 10.0)


def _area(mesh, name):
    a, b, c = (mesh.points[mesh.facets_named(name)[:, i]] for i in range(3))
    return 0.5 * np.cross(b - a, c - a).sum(axis=0)


def _sound(result):
    assert result.certificate.passes(Gate()) == []
    assert result.certificate.dihedral_min_deg >= 10
    assert result.certificate.crossing_facets == 0
    assert facet_pairs(result.mesh.tets).shared.max() == 2


def test_ball_has_its_volume_its_area_and_its_place(ball):
    _sound(ball)
    volume = ball.mesh.region_volumes()["soma"]
    assert volume == pytest.approx(4 / 3 * np.pi * 100.0**3, rel=0.01)
    assert ball.certificate.membrane_area_nm2 == pytest.approx(4 * np.pi * 100.0**2, rel=0.02)
    assert ball.mesh.points.mean(axis=0) == pytest.approx([115.0, -385.0, 1115.0], abs=5.0)
    assert ball.certificate.regions["soma"].euler == 2
    radius = np.linalg.norm(ball.mesh.points[np.unique(ball.mesh.facets)] - [115.0, -385.0, 1115.0], axis=1)
    assert np.abs(radius - 100).max() < 10  # one voxel


def test_facets_look_outwards_and_close_the_ball(ball):
    topology = surface_topology(ball.mesh.facets)
    assert topology.manifold
    assert topology.oriented
    assert np.linalg.norm(_area(ball.mesh, "membrane")) < 1e-6
    centre = ball.mesh.points.mean(axis=0)
    a, b, c = (ball.mesh.points[ball.mesh.facets[:, i]] for i in range(3))
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), a - centre) > 0).all()


def test_certificate_is_plain_json(ball):
    plain = json.loads(json.dumps(ball.certificate.as_dict(), allow_nan=False))
    assert plain["regions"]["soma"]["euler_before"] == 2
    assert plain["versions"]["mmg"].startswith("5.")
    assert plain["tets"] == len(ball.mesh.tets)
    assert plain["cpu_s"] > 0


def test_block_that_fills_its_volume_keeps_its_six_faces_exactly():
    result = mesh_labels(Labels(np.ones((8, 10, 12), np.uint8), (20.0, 10.0, 10.0), origin=(10.0, 5.0, 5.0)))
    _sound(result)
    assert set(result.mesh.facet_names.values()) == {"cut_z0", "cut_z1", "cut_y0", "cut_y1", "cut_x0", "cut_x1"}
    for axis, (name, area) in enumerate({"x": 160 * 100, "y": 160 * 120, "z": 100 * 120}.items()):
        for side, sign in ((0, -1), (1, 1)):
            expected = np.zeros(3)
            expected[axis] = sign * area
            assert _area(result.mesh, f"cut_{name}{side}") == pytest.approx(expected, abs=1e-6 * area)
    assert result.mesh.points.min(axis=0).tolist() == [0, 0, 0]
    assert result.mesh.points.max(axis=0).tolist() == [120, 100, 160]


def test_rod_through_its_block_has_two_plane_ends(rod):
    labels, result = rod
    _sound(result)
    assert set(result.mesh.facet_names.values()) == {"membrane", "cut_x0", "cut_x1"}
    section = labels.data[:, :, 0].sum() * 100.0
    for name, sign, plane in (("cut_x0", -1, 4995.0), ("cut_x1", 1, 5295.0)):
        assert (result.mesh.points[result.mesh.facets_named(name)][:, :, 0] == plane).all()
        assert _area(result.mesh, name) == pytest.approx([sign * section, 0, 0], rel=0.02, abs=1e-6 * section)


def test_rod_can_be_rounded_off_instead(rod):
    labels, _ = rod
    result = mesh_labels(labels, cut_faces=False)
    _sound(result)
    assert set(result.mesh.facet_names.values()) == {"membrane"}


def test_membrane_that_grazes_a_wall_stays_inside_the_block(grid):
    z, y, x = grid((24, 24, 24))
    result = mesh_labels(Labels((z + 70.0) ** 2 + y**2 + x**2 < 62.0**2, SPACING))
    _sound(result)
    assert set(result.mesh.facet_names.values()) == {"membrane", "cut_z0"}
    assert result.mesh.points[:, 2].min() == -5.0
    on_cut = np.unique(result.mesh.facets_named("cut_z0"))
    assert np.delete(result.mesh.points[:, 2], on_cut).min() > -5.0


def test_touching_labels_share_their_interface(halves):
    _sound(halves)
    mesh = halves.mesh
    assert set(mesh.facet_names.values()) == {"membrane", "left|right"}
    interface = mesh.facets_named("left|right")
    assert np.abs(_area(mesh, "left|right")[0]) == pytest.approx(np.pi * 100.0**2, rel=0.03)
    assert np.abs(mesh.points[interface][:, :, 0] - 115.0).max() < 5.0  # flat to half a voxel
    pairs = facet_pairs(mesh.tets)
    between = (pairs.second >= 0) & (mesh.regions[pairs.first] != mesh.regions[pairs.second])
    assert between.sum() == len(interface)
    assert _area(mesh, "left|right")[0] > 0  # out of the lower number


def test_organelle_inside_a_cell(ball_voxels):
    voxels = ball_voxels(110.0, (26, 26, 26)).astype(np.uint8)
    voxels[ball_voxels(60.0, (26, 26, 26))] = 5
    result = mesh_labels(Labels(voxels, SPACING, names={1: "cytosol", 5: "mitochondrion"}))
    _sound(result)
    assert np.linalg.norm(_area(result.mesh, "cytosol|mitochondrion")) < 1e-6
    assert result.certificate.regions["cytosol"].euler == 4
    assert result.certificate.regions["mitochondrion"].euler == 2


def test_torus_keeps_its_hole(grid):
    z, y, x = grid((16, 32, 32))
    result = mesh_labels(Labels((np.hypot(y, x) - 100.0) ** 2 + z**2 < 40.0**2, SPACING))
    _sound(result)
    region = result.certificate.regions["label_1"]
    assert (region.euler_before, region.euler) == (0, 0)
    assert region.volume_nm3 == pytest.approx(2 * np.pi**2 * 100 * 40**2, rel=0.02)


def test_anisotropic_ball_is_round(ball_voxels):
    spacing = (40.0, 10.0, 10.0)
    result = mesh_labels(Labels(ball_voxels(200.0, (14, 44, 44), spacing), spacing))
    _sound(result)
    extent = np.ptp(result.mesh.points, axis=0)
    assert extent == pytest.approx([400.0, 400.0, 400.0], abs=45.0)  # about a section
    assert result.certificate.regions["label_1"].volume_nm3 == pytest.approx(4 / 3 * np.pi * 200.0**3, rel=0.02)


def test_largest_component_is_kept_and_the_rest_reported(ball_voxels):
    data = np.zeros((24, 24, 40), np.uint8)
    data[:, :, :24][ball_voxels(80.0, (24, 24, 24))] = 4
    data[10:14, 10:14, 34:37] = 4
    result = mesh_labels(Labels(data, SPACING), label=4)
    _sound(result)
    assert result.certificate.discarded_share == pytest.approx(48 / (data == 4).sum())
    assert "largest of 2 6-connected components; 48 voxels" in result.certificate.repairs[0]
    assert result.certificate.components == 1


def test_smaller_edges_make_more_tetrahedra(ball, ball_voxels):
    finer = mesh_labels(Labels(ball_voxels(100.0, (24, 24, 24)), SPACING), edge_nm=25.0)
    assert finer.certificate.tets > 1.5 * ball.certificate.tets


def _one_voxel():
    data = np.zeros((8, 8, 8), np.uint8)
    data[4, 4, 4] = 2
    return data


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        (np.zeros((4, 4, 4), np.uint8), {}, "background only"),
        (_one_voxel(), {}, "Label 2 of 'labels' has 1 voxel; at least 27"),
        (np.arange(1000).reshape(10, 10, 10), {}, r"holds 999 labels \(labels 1, 2, .* and 987 more\); at most 8"),
        (np.ones((8, 8, 8), np.uint8), {"edge_nm": -3.0}, "positive length"),
        (np.ones((8, 8, 8), np.uint8), {"edge_nm": 1.0}, r"below the voxel size \(10 nm\)"),
    ],
    ids=["empty", "one voxel", "too many", "negative edge", "edge below voxel"],
)
def test_refusals_say_why(data, arguments, message):
    with pytest.raises(MeshingError, match=message):
        mesh_labels(Labels(data, SPACING), **arguments)


def test_absent_label_names_those_present():
    with pytest.raises(CellmlError, match="no voxel with label 9; it has labels 2"):
        mesh_labels(Labels(_one_voxel(), SPACING), label=9)
