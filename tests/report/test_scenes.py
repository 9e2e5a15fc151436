from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing.topology import boundary_facets
from cellml.report.field3d import FieldOnMesh, coloured_surface, cut_open, field_comparison_3d, field_on_mesh_3d
from cellml.report.scene_layout import frame
from cellml.report.surfaces3d import surfaces_3d
from cellml.types import Surface, TetMesh

from .conftest import ball


@pytest.fixture(scope="module")
def mesh():
    return ball(3)


@pytest.fixture(scope="module")
def surface(mesh):
    return Surface(mesh.points, boundary_facets(mesh.tets))


def test_cutting_open_keeps_half_and_cuts_across_the_thinnest_axis(mesh):
    flat = TetMesh(mesh.points * [1.0, 1.0, 0.5], mesh.tets, mesh.regions)
    kept = cut_open(flat)
    half = TetMesh(flat.points, kept, np.ones(len(kept), np.int32))
    assert half.volumes().sum() == pytest.approx(flat.volumes().sum() / 2, rel=0.1)
    assert (flat.points[kept].mean(axis=1)[:, 2] <= 1e-9).all()


@pytest.mark.parametrize("cutaway", [False, True])
def test_colours_follow_the_field(mesh, cutaway):
    field = FieldOnMesh(mesh, mesh.points[:, 0])
    exact, values = coloured_surface(field, cutaway=cutaway, triangles=10**6)
    np.testing.assert_array_equal(values, exact.vertices[:, 0])
    reduced, near = coloured_surface(field, cutaway=cutaway, triangles=len(exact.faces) // 3)
    assert len(reduced.faces) < 0.4 * len(exact.faces)
    assert np.abs(near - reduced.vertices[:, 0]).max() < 0.1 * np.ptp(mesh.points[:, 0])


def test_values_of_another_length_are_refused(mesh):
    with pytest.raises(CellmlError, match=f"{len(mesh.points)} points but \\(3,\\)"):
        FieldOnMesh(mesh, np.zeros(3))


def test_one_mesh_whole_or_cut_open_with_its_unit(mesh):
    figure = field_on_mesh_3d(mesh, np.where(mesh.points[:, 0] > 0, np.nan, 2.0), "<µM>")
    assert [trace.visible for trace in figure.data] == [False, True]
    assert figure.layout.coloraxis.colorbar.title.text == "concentration<br>(&lt;µM&gt;)"
    assert figure.layout.coloraxis.cmin == 2.0


def test_the_menu_shows_one_object_in_all_views(mesh):
    field = FieldOnMesh(mesh, mesh.points[:, 0])
    moved = FieldOnMesh(TetMesh(mesh.points + 5000.0, mesh.tets, mesh.regions), mesh.points[:, 0])
    figure = field_comparison_3d({"truth": [field, moved], "prediction": [field, None]}, ["a", "b"], "µM")
    assert [t.scene for t in figure.data] == ["scene"] * 4 + ["scene2"] * 2
    buttons = figure.layout.updatemenus[0].buttons
    assert [b.label for b in buttons] == ["a, whole", "a, cut open", "b, whole", "b, cut open"]
    assert [sum(b.args[0]["visible"]) for b in buttons] == [2, 2, 1, 1]
    assert [t.visible for t in figure.data] == list(buttons[figure.layout.updatemenus[0].active].args[0]["visible"])
    assert buttons[2].args[1]["scene2.xaxis.range"][0] > 4.0  # µm, where the moved object is


def test_frames_hold_everything_in_true_proportions():
    box = Surface(np.array([[0.0, 0.0, 0.0], [3000.0, 0.0, 0.0], [0.0, 1500.0, 750.0]]), np.array([[0, 1, 2]]))
    other = Surface(box.vertices[:, [1, 2, 0]] * 0.01, box.faces)
    found = frame([box], 1000.0)
    low, high = found["xaxis.range"]
    assert low < 0.0 < 3.0 < high
    lengths = [np.ptp(found[f"{n}axis.range"]) for n in "xyz"]
    ratios = [found["aspectratio"][n] for n in "xyz"]
    np.testing.assert_allclose(np.array(ratios) / ratios[0], np.array(lengths) / lengths[0])
    assert np.linalg.norm(ratios) == pytest.approx(np.linalg.norm(list(frame([other], 1.0)["aspectratio"].values())))


def test_surfaces_stay_within_their_triangles_and_share_a_legend(surface):
    figure = surfaces_3d({"truth": [surface, surface], "prediction": [None, surface]}, ["#0072B2", "#E69F00"], ["<1>", "2"], triangles=500)
    assert [(t.scene, t.legendgroup, t.showlegend) for t in figure.data] == [
        ("scene", "0", True),
        ("scene", "1", True),
        ("scene2", "1", False),
    ]
    assert sum(len(t.i) for t in figure.data[:2]) <= 525
    assert figure.data[0].name == "&lt;1&gt;"
    assert figure.layout.scene.xaxis.title.text == "x (nm)"
    assert figure.layout.scene.xaxis.range == figure.layout.scene2.xaxis.range


def test_an_object_that_only_the_prediction_has_is_in_the_legend(surface):
    figure = surfaces_3d({"truth": [None], "prediction": [surface]}, ["#0072B2"], ["1"])
    assert [t.showlegend for t in figure.data] == [True]


def test_coordinates_travel_as_short_binary_numbers(surface):
    import json

    trace = json.loads(surfaces_3d({"": [surface]}, ["#0072B2"], ["1"]).to_json())["data"][0]
    assert trace["x"]["dtype"] == "f4"
    assert trace["i"]["dtype"] == "i2"
