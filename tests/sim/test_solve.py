from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellml.sim.analytic import ball, box, with_named_boundary
from cellml.sim.ends import automatic_places
from cellml.sim.errors import SimulationError
from cellml.sim.model import DIFFUSION_TIME, Model, ObservableRequest
from cellml.sim.model_file import load_model, parse_model
from cellml.sim.quantities import Quantity
from cellml.sim.shipped import find_model
from cellml.sim.solve import solve_model
from cellml.types import TetMesh

DIFFUSING = """
species: {molecule: {in: "*", D: {value: 1, unit: um^2/s, source: a test}}}
"""


@pytest.fixture(scope="module")
def shipped() -> Model:
    return load_model(find_model("diffusion"))


def with_D(model: Model, D: Quantity) -> Model:
    parameters = {**model.parameters, "D_molecule": replace(model.parameters["D_molecule"], quantity=D)}
    return replace(model, parameters=parameters)


def asking(request: ObservableRequest) -> Model:
    """A diffusing species and one observable."""
    return replace(parse_model(DIFFUSING + "observables: [{type: volume}]\n", Path("m.yaml")), observables=(request,))


def test_shipped_model_on_a_rod_gives_the_closed_forms_with_their_units(rod, shipped):
    solution = solve_model(rod, shipped)
    expected = {
        "relaxation_time": (1.0 / np.pi**2, "s"),
        "first_passage_time": (1.0 / 3.0, "s"),
        "conductance": (0.06, "um^3/s"),
        "shape_factor": (60.0, "nm"),
        "volume": (0.06, "um^3"),
        "membrane_area": (2 * (0.2 + 0.3) * 1.0, "um^2"),
    }
    assert [o.name for o in solution.observables] == list(expected)
    for name, (value, unit) in expected.items():
        found = solution[name]
        assert (found.status, found.unit) == ("ok", unit)
        assert abs(found.value - value) <= found.discretisation_error + 1e-12 * value
        assert found.relative_error < 0.01
    assert set(solution.fields) == {
        *("relaxation_time", "first_passage_time", "conductance", "shape_factor"),
        "molecule",
    }
    assert all(len(values) == len(rod.points) for values in solution.fields.values())
    assert max(solution.series) == solution.courses["amount of molecule"].times[-1] == pytest.approx(0.1, rel=0.1)  # 0.1 L²/D
    assert np.allclose(list(solution.series), max(solution.series) * np.linspace(0, 1, 6))
    (told,) = solution.notes
    assert told.startswith("molecule falls below zero")  # all molecules start on one face


def test_times_fall_and_conductances_grow_with_D(rod, shipped):
    slow, fast = solve_model(rod, shipped), solve_model(rod, with_D(shipped, Quantity(3.0, "um^2/ms")))
    for name, factor in {
        "relaxation_time": 1 / 3000,
        "first_passage_time": 1 / 3000,
        "conductance": 3000,
        "shape_factor": 1,
        "volume": 1,
    }.items():
        assert fast[name].value == pytest.approx(factor * slow[name].value, rel=1e-9)
        assert fast[name].discretisation_error == pytest.approx(factor * slow[name].discretisation_error, rel=1e-5)
    assert fast.notes[0] == "D_molecule = 3 um^2/ms has no source."


def test_an_object_without_ends_has_undefined_observables_and_no_release(shipped):
    solution = solve_model(ball(300.0, 1), shipped)
    assert {o.name: o.status for o in solution.observables} == {
        "relaxation_time": "ok",
        "first_passage_time": "undefined",
        "conductance": "undefined",
        "shape_factor": "undefined",
        "volume": "ok",
        "membrane_area": "ok",
    }
    assert math.isnan(solution["conductance"].value)
    assert solution["conductance"].reason == "'ball' touches no face of the block"
    assert solution.dynamics is None and solution.courses == {} and solution.series == {}
    assert solution.notes == (
        "The model was not followed in time, because a place that it needs does not exist: 'ball' touches no face of the block.",
    )


def test_places_of_the_truth_decide_on_the_prediction(rod, shipped):
    places = automatic_places(rod)
    stump = box((200.0, 300.0, 700.0), (2, 3, 7), cuts=("z0",))
    solution = solve_model(stump, shipped, places=places)
    assert solution["first_passage_time"].value == pytest.approx(0.7**2 / 3, rel=0.01)
    assert solution["conductance"].status == "failed"
    assert "has no end on cut_z1" in solution["conductance"].reason
    assert solve_model(rod, shipped, places=places)["conductance"].value == pytest.approx(0.06)


def test_ends_that_have_merged_in_the_prediction_are_a_failure(shipped):
    arch = _arch(lambda x, z: (z > 200) | (x < 200) | (x > 300))
    slab = _arch(lambda x, z: x > -1)
    places = automatic_places(arch)
    assert solve_model(arch, shipped, places=places)["conductance"].status == "ok"
    merged = solve_model(slab, shipped, places=places)["conductance"]
    assert merged.status == "failed"
    assert "same or touching ends" in merged.reason


def test_a_release_of_a_fixed_time_at_a_point(rod):
    model = parse_model(
        DIFFUSING
        + "releases: [{of: molecule, at: [100, 150, 500], amount: {value: 7, unit: molecule, source: a test}}]\n"
        + "time: {end: {value: 2, unit: ms}, steps: 4}\nobservables: [{type: volume}]\n",
        Path("point.yaml"),
    )
    amount = solve_model(rod, model).courses["amount of molecule"]
    assert amount.times.tolist() == pytest.approx([0, 0.0005, 0.001, 0.0015, 0.002])
    assert (amount.unit, amount.values[0]) == ("molecule", 7.0)
    assert np.abs(amount.values[1:] / 7 - 1.0).max() < 1e-12


def test_pieces_are_refused_with_their_number(shipped):
    one = box((100.0, 100.0, 100.0), (1, 1, 1))
    points = np.vstack([one.points, one.points + 500.0])
    two = TetMesh(points, np.vstack([one.tets, one.tets + len(one.points)]), np.ones(2 * len(one.tets), np.int32), name="pair")
    with pytest.raises(SimulationError, match=r"'pair' falls into 2 parts"):
        solve_model(two, shipped)


@pytest.mark.parametrize("place", ["cut_y0", "cut_z01"])
def test_an_unknown_set_of_facets_is_named_with_the_line_that_asks_for_it(rod, place):
    request = ObservableRequest("first_passage_time", "t", "molecule", {"to": place}, where="model.yaml:9")
    with pytest.raises(SimulationError, match=rf"model.yaml:9: 'box' has no facets named '{place}'; it has: cut_z0, cut_z1, membrane"):
        solve_model(rod, asking(request))


def test_a_name_without_facets_is_refused():
    mesh = box((100.0, 100.0, 100.0), (1, 1, 1))
    named = replace(mesh, facet_names={**mesh.facet_names, 9: "cut_z0"})
    with pytest.raises(SimulationError, match="knows the name 'cut_z0' but has no facets of it"):
        solve_model(named, asking(ObservableRequest("area", "a", places={"on": "cut_z0"})))


def test_touching_faces_name_the_line_too():
    mesh = box((100.0, 100.0, 100.0), (1, 1, 1), cuts=("z0", "x0"))
    request = ObservableRequest("conductance", "g", "molecule", {"from": "cut_z0", "to": "cut_x0"}, where="model.yaml:4")
    with pytest.raises(SimulationError, match=r"model.yaml:4: The two ends share 2 points"):
        solve_model(mesh, asking(request))


def test_printing_an_observable_says_value_error_and_unit(rod, shipped):
    solution = solve_model(rod, shipped)
    assert str(solution["volume"]).startswith("volume = 0.06 ± ")
    assert str(solve_model(ball(1.0, 1), shipped)["conductance"]) == "conductance: undefined ('ball' touches no face of the block)"


@settings(max_examples=12, deadline=None)
@given(
    order=st.randoms(use_true_random=False),
    axis=arrays(float, 3, elements=st.floats(-1, 1)),
    angle=st.floats(0, 6),
    shift=st.floats(-1e4, 1e4),
)
def test_numbering_and_position_of_the_mesh_do_not_matter(order, axis, angle, shift):
    mesh, shipped = _wedge(), load_model(find_model("diffusion"))
    assert shipped.time is not None
    model = replace(shipped, time=replace(shipped.time, end=Quantity(0.05, DIFFUSION_TIME), steps=5))
    moved = _move(_renumber(mesh, order), axis, angle, shift)
    here, there = solve_model(mesh, model), solve_model(moved, model)
    for first, second in zip(here.observables, there.observables, strict=True):
        assert second.value == pytest.approx(first.value, rel=1e-8)
        assert second.discretisation_error == pytest.approx(first.discretisation_error, rel=1e-3, abs=1e-10 * abs(first.value))
    assert there.fields["molecule"].max() == pytest.approx(here.fields["molecule"].max(), rel=1e-7)


def _wedge() -> TetMesh:
    """A box without symmetry, wider at one end."""
    mesh = box((200.0, 300.0, 900.0), (2, 2, 5), cuts=("z0", "z1"))
    points = mesh.points.copy()
    points[:, 0] *= 1.0 + 0.5 * points[:, 2] / 900.0
    return replace(mesh, points=points)


def _renumber(mesh: TetMesh, order) -> TetMesh:
    place = list(range(len(mesh.points)))
    order.shuffle(place)
    shuffled = list(range(len(mesh.tets)))
    order.shuffle(shuffled)
    new = np.array(place)
    points = np.empty_like(mesh.points)
    points[new] = mesh.points
    return replace(mesh, points=points, tets=new[mesh.tets][shuffled], facets=new[mesh.facets], regions=mesh.regions[shuffled])


def _move(mesh: TetMesh, axis, angle, shift) -> TetMesh:
    from scipy.spatial.transform import Rotation

    length = np.linalg.norm(axis)
    turn = Rotation.from_rotvec(angle * axis / length).as_matrix() if length > 1e-3 else np.eye(3)
    return replace(mesh, points=mesh.points @ turn.T + shift)


def _arch(keep) -> TetMesh:
    whole = box((600.0, 100.0, 400.0), (6, 1, 4))
    x, _, z = whole.points[whole.tets].mean(axis=1).T
    used, tets = np.unique(whole.tets[keep(x, z)], return_inverse=True)
    return with_named_boundary(whole.points[used], tets.reshape(-1, 4), cuts=("z0",), name="arch")


RELEASED = """
species: {A: {in: "*", D: {value: 1, unit: um^2/s, source: s}}}
parameters: {k: {value: 5, unit: 1/s, source: s}}
reactions: [{name: decay, in: "*", equation: A -> 0, forward: k}]
releases: [{of: A, at: [100, 150, 20], amount: {value: 1000, unit: molecule, source: s}}]
time: {end: {value: 0.02, unit: s}, steps: 20}
observables: [{type: amount, of: A, name: left}, {type: mean, of: A, unit: molecule/um^3, name: mean}, {type: maximum, of: A, name: top}]
"""


def test_amounts_and_means_at_time_0_hold_what_is_released_then(rod):
    courses = solve_model(rod, parse_model(RELEASED, Path("m.yaml")), errors="never").courses
    assert courses["left"].values[0] == courses["amount of A"].values[0] == pytest.approx(1000.0)
    assert courses["mean"].values[0] == pytest.approx(1000.0 / 0.06) and courses["top"].values[0] == 0.0
    assert courses["left"].values == pytest.approx(1000.0 * np.exp(-5 * courses["left"].times), rel=1e-3)


def test_a_species_that_falls_below_zero_is_told_and_a_lumped_mass_keeps_it_positive(rod):
    notes = solve_model(rod, parse_model(RELEASED, Path("m.yaml")), errors="never").notes
    (told,) = [note for note in notes if "below zero" in note]
    assert told.startswith("A falls below zero, to -") and "uM at t = 0.001 s: `lumped: true`" in told
    lumped = parse_model(RELEASED + "lumped: true\n", Path("m.yaml"))
    assert not [note for note in solve_model(rod, lumped, errors="never").notes if "below zero" in note]
