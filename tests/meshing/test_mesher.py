from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage

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


@pytest.fixture(scope="module")
def three_balls():
    z, y, x = np.meshgrid(*(np.arange(n) * 10.0 for n in (12, 12, 40)), indexing="ij")
    data = np.zeros(z.shape, np.uint8)
    for centre, radius in ((65.0, 42.0), (190.0, 34.0), (315.0, 38.0)):
        data[(z - 55.0) ** 2 + (y - 55.0) ** 2 + (x - centre) ** 2 < radius**2] = 4
    return Labels(data, SPACING)


def test_all_components_are_meshed(three_balls):
    result = mesh_labels(three_balls)
    _sound(result)
    region = result.certificate.regions["label_4"]
    assert (region.components_before, region.components, region.euler) == (3, 3, 6)
    assert (result.certificate.repairs, result.certificate.discarded_share) == ((), 0.0)
    assert region.volume_nm3 == pytest.approx((three_balls.data > 0).sum() * 1000.0, rel=0.005)


def test_largest_component_is_kept_where_asked_and_the_rest_reported(three_balls):
    result = mesh_labels(three_balls, label=4, components="largest")
    _sound(result)
    voxels = np.bincount(ndimage.label(three_balls.data)[0].ravel())[1:]
    assert result.certificate.discarded_share == pytest.approx(1 - voxels.max() / voxels.sum())
    assert "largest of 3 6-connected components of label 4" in result.certificate.repairs[0]
    assert result.certificate.components == 1
    assert result.mesh.points[:, 0].max() < 110.0


def test_edges_are_about_five_voxels_where_none_are_asked(ball):
    assert ball.certificate.settings["edge_nm"] == 50.0
    longest = ball.certificate.quality.edge_max_nm
    assert 40.0 < longest < 1.7 * 50.0


def test_coordinates_of_a_millimetre_in_single_precision(ball_voxels):
    origin = tuple(np.float32([1.0e6, -2.0e6, 1.0e6]))
    result = mesh_labels(Labels(ball_voxels(60.0, (16, 16, 16)), tuple(np.float32(SPACING)), origin))
    _sound(result)
    assert result.mesh.points.mean(axis=0) == pytest.approx([1.0e6 + 75.0, -2.0e6 + 75.0, 1.0e6 + 75.0], abs=3.0)
    assert result.mesh.volumes().sum() == pytest.approx(4 / 3 * np.pi * 60.0**3, rel=0.02)


def test_two_labels_that_touch_every_border():
    data = np.ones((10, 10, 12), np.uint8)
    data[:, :, 6:] = 2
    result = mesh_labels(Labels(data, SPACING, names={1: "a", 2: "b"}))
    _sound(result)
    areas = result.certificate.facet_areas_nm2
    assert set(areas) == {"cut_z0", "cut_z1", "cut_y0", "cut_y1", "cut_x0", "cut_x1", "a|b"}
    assert areas["a|b"] == pytest.approx(100.0**2, rel=0.03)
    assert areas["cut_z0"] == pytest.approx(100.0 * 120.0)
    assert [r.euler for r in result.certificate.regions.values()] == [2, 2]


def test_ten_to_one_sections_make_a_smooth_ellipsoid(grid):
    spacing = (50.0, 5.0, 5.0)
    z, y, x = grid((11, 36, 36), spacing)
    result = mesh_labels(Labels((z / 200) ** 2 + (y / 75) ** 2 + (x / 75) ** 2 < 1, spacing))
    _sound(result)
    assert "interpolated between sections of 50 nm along z" in result.certificate.repairs[0]
    at = result.mesh.points[np.unique(result.mesh.facets)] - [87.5, 87.5, 250.0]
    middle = at[np.abs(at[:, 2]) < 140.0]
    expected = 75.0 * np.sqrt(1 - (middle[:, 2] / 200.0) ** 2)
    assert np.abs(np.hypot(middle[:, 0], middle[:, 1]) - expected).max() < 10.0  # two pixels; steps between sections are up to 20 nm
    assert result.certificate.regions["label_1"].volume_nm3 == pytest.approx(4 / 3 * np.pi * 200 * 75 * 75, rel=0.03)


def test_a_better_attempt_is_made_where_the_gate_is_failed(ball_voxels):
    labels = Labels(ball_voxels(40.0, (12, 12, 12)), SPACING)
    strict = mesh_labels(labels, gate=Gate(min_dihedral_deg=60.0))
    assert strict.certificate.settings["attempts"] == 3
    assert any("below 60" in reason for reason in strict.certificate.passes(Gate(min_dihedral_deg=60.0)))
    assert strict.certificate.passes(Gate()) == []


def _told(monkeypatch, far, labels):
    """Mesh labels whose cut meshes lie so far from them, attempt by attempt; returns the result and the steps."""
    distances, steps = iter(far), list[str]()
    monkeypatch.setattr("cellml.meshing.labels.strays_by", lambda *_: next(distances))
    return mesh_labels(labels, tell=steps.append), [step.split(" ")[0] for step in steps]


def test_what_lies_too_far_is_not_optimised_but_cut_anew(ball_voxels, monkeypatch):
    labels = Labels(ball_voxels(40.0, (12, 12, 12)), SPACING)
    near, steps = _told(monkeypatch, [0.9], labels)
    assert (steps.count("optimising"), near.certificate.settings["attempts"]) == (1, 1)
    finer, steps = _told(monkeypatch, [1.2, 0.9], labels)
    assert (steps.count("optimising"), finer.certificate.settings["attempts"]) == (1, 2)
    assert finer.certificate.settings["background_nm"] < near.certificate.settings["background_nm"]


def test_what_lies_too_far_is_better_than_nothing(ball_voxels, monkeypatch):
    """Where no finer mesh can be made, the coarse one is optimised and returned, and the gate decides."""

    def partition(*arguments, step, **others):
        if step < 30.0:
            raise MeshingError("too fine")
        return cut(*arguments, step=step, **others)

    from cellml.meshing.partition import partition as cut

    monkeypatch.setattr("cellml.meshing.mesher.partition", partition)
    labels = Labels(ball_voxels(40.0, (12, 12, 12)), SPACING)
    monkeypatch.setattr("cellml.meshing.labels.left_out", lambda *_: np.array([[95.0, 55.0, 55.0]]))
    coarse, steps = _told(monkeypatch, [1.2, 1.3], labels)
    assert (steps.count("optimising"), steps.count("cutting")) == (1, 3)
    assert (coarse.certificate.settings["background_nm"], coarse.certificate.settings["smoothing_voxels"]) == (30.0, 0.5)
    again, steps = _told(monkeypatch, [1.2, 1.1], labels)  # finer around what it left out, it lies closer
    assert (steps.count("optimising"), steps.count("cutting")) == (1, 3)
    assert (again.certificate.settings["background_nm"], again.certificate.settings["smoothing_voxels"]) == (30.0, 0.35)

    def refusing(*arguments, **others):
        calls.append(1)
        if len(calls) == 1:
            raise MeshingError("MMG made no mesh")
        return remesh(*arguments, **others)

    from cellml.meshing.mmg import remesh

    calls = list[int]()
    monkeypatch.setattr("cellml.meshing.mesher.remesh", refusing)
    coarse, steps = _told(monkeypatch, [1.2, 1.1], labels)  # but gives no mesh
    assert (steps.count("optimising"), coarse.certificate.settings["smoothing_voxels"]) == (2, 0.5)


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
        (np.arange(1000).reshape(10, 10, 10), {}, r"holds 999 labels \(labels 1, 2, .* and 987 more\); at most 256"),
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
