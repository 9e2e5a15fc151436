"""Every model that comes with cellml loads, says where its numbers are from, and does what its comments promise on a tiny mesh."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.config import conf_dir
from cellml.errors import FileError
from cellml.sim.analytic import boundary, box, cylinder
from cellml.sim.expression import parse
from cellml.sim.mechanics_file import load_any_model
from cellml.sim.mechanics_model import MechanicsModel
from cellml.sim.model_file import load_model
from cellml.sim.shipped import find_model, shipped_models
from cellml.sim.solve import solve_model
from cellml.sim.sources import missing_sources
from cellml.types import TetMesh

TRANSPORT = ["diffusion", "narrow_escape", "neurite_cable", "receptor_binding", "spine_calcium", "spine_decay", "turing"]


@pytest.fixture
def spine() -> TetMesh:
    """A cube of 400 nm, its lower fifth endoplasmic reticulum, a synapse on its top; nothing is open."""
    whole = box((400.0, 400.0, 400.0), (3, 3, 5))
    lower = whole.points[whole.tets].mean(axis=1)[:, 2] < 80.0
    top = np.isclose(whole.points[whole.facets][:, :, 2], 400.0).all(axis=1)
    low = whole.points[whole.facets].mean(axis=1)[:, 2] < 80.0
    edge = boundary(whole.tets[lower])
    between = edge[np.isclose(whole.points[edge][:, :, 2], 80.0).all(axis=1)]
    outer = np.where(top, 2, np.where(low, 4, 1))
    facets, tags = np.concatenate([whole.facets, between]), np.concatenate([outer, np.full(len(between), 3)])
    names = {1: "PM", 2: "PSD", 3: "ERM", 4: "outside_of_er"}
    return TetMesh(whole.points, whole.tets, np.where(lower, 2, 1), {1: "cytosol", 2: "er"}, facets, tags, names, "spine")


def with_patch(mesh: TetMesh, top: float) -> TetMesh:
    """The mesh with the face at z = top named `patch`."""
    tags = np.where(np.isclose(mesh.points[mesh.facets][:, :, 2], top).all(axis=1), 9, mesh.facet_tags)
    return TetMesh(mesh.points, mesh.tets, mesh.regions, mesh.region_names, mesh.facets, tags, {**mesh.facet_names, 9: "patch"}, mesh.name)


def test_the_list_of_shipped_models_is_complete():
    assert {*TRANSPORT, "elastic_indentation"} == set(shipped_models()) == {path.stem for path in (conf_dir() / "sim").glob("*.yaml")}


@pytest.mark.parametrize("name", TRANSPORT)
def test_each_model_loads_and_every_constant_has_a_source(name):
    model = load_model(find_model(name))
    assert model.name == name
    assert missing_sources(model) == []
    text = find_model(name).read_text(encoding="utf-8")
    assert text.startswith("# cellml simulate ") and f"model={name}" in text.splitlines()[0]


def test_the_mechanical_model_loads_and_its_constants_have_a_source():
    model = load_any_model(find_model("elastic_indentation"))
    assert isinstance(model, MechanicsModel)
    assert model.sourceless == ()
    assert find_model("elastic_indentation").read_text(encoding="utf-8").startswith("# cellml simulate ")


def test_narrow_escape_empties_through_its_patch(rod):
    solution = solve_model(with_patch(rod, 1000.0), load_model(find_model("narrow_escape")), errors="never")
    # A rod that is open at one end: τ = L²/(3 D) with L = 1 µm and D = 10 µm²/s.
    assert solution["first_passage_time"].value == pytest.approx(1 / 30, rel=0.02)
    begin = solution.courses["survivors"].values[0]
    # After 2 L²/D, 8/π² exp(-π²/2) of the molecules are left.
    assert solution["survivors"].value / (0.06 * 602.214) == pytest.approx(8 / np.pi**2 * np.exp(-(np.pi**2) / 2), rel=0.03)
    assert begin > solution["survivors"].value


def test_receptors_come_to_the_well_mixed_balance():
    mesh = box((400.0, 400.0, 400.0), (2, 2, 2))
    model = load_model(find_model("receptor_binding"))
    assert {name for name, p in model.parameters.items() if p.estimate} == {"k_on", "k_off"}
    solution = solve_model(mesh, model, errors="never")
    per_uM, area_per_volume = 602.214076, 6 / 0.4
    k_on, k_off, c0, x0 = 1 / per_uM, 0.1, per_uM, 1000.0
    c = max(np.roots([-k_on, -(k_on * x0 * area_per_volume + k_off - k_on * c0), k_off * c0]))
    end = solution.courses["A_mean_final"].values[-1] * per_uM
    # After 5 s, 1/e^(5·(k_off + …)) of the way is left.
    assert end == pytest.approx(c, rel=0.05)


def test_a_turing_pattern_grows_from_the_state_at_rest_and_only_with_unlike_diffusion():
    mesh = box((1000.0, 1000.0, 300.0), (10, 10, 3))
    model = load_model(find_model("turing"))
    values = model.values()
    grown = _spread(mesh, model)
    calm = _spread(mesh, model.with_values({"D_V": values["D_U"]}))
    assert calm < 1.0 < 20.0 < grown


def _spread(mesh, model):
    """Largest minus smallest density of U after 25 s."""
    from dataclasses import replace

    from cellml.sim.quantities import Quantity

    short = replace(model, time=replace(model.time, end=Quantity(25.0, "s"), steps=100))
    solution = solve_model(mesh, short, errors="never")
    return solution["U_maximum_final"].value - solution["U_minimum_final"].value


def test_the_state_at_rest_of_the_turing_model_is_the_one_of_its_comment():
    model = load_model(find_model("turing"))
    at_rest = {**model.values(), "U": 100.0, "V": 90.0, "t": 0.0, "x": 0.0, "y": 0.0, "z": 0.0}
    for species in ("U", "V"):
        assert sum(r.changes.get(species, 0) * r.rate.evaluate(at_rest) for r in model.reactions) == pytest.approx(0.0, abs=1e-12)
        assert model.species[species].initial.evaluate(at_rest) == pytest.approx(at_rest[species])


def test_the_cable_falls_with_its_length_constant():
    mesh = cylinder(100.0, 2000.0, refinements=2, layers=40)
    model = load_model(find_model("neurite_cable"))
    R_i = model.values()["R_i"]
    model = model.with_values({"R_m": R_i * 20.0})  # so leaky that it shows within 2 µm
    solution = solve_model(mesh, model, errors="never")
    area, volume = solution["area"].value, solution["volume"].value
    length = np.sqrt(20.0 * volume / area)
    far, leak = solution["V_minimum_final"].value, solution["leak_rate_final"].value
    assert far == pytest.approx(1 / np.cosh(2.0 / length), rel=2e-3)
    # The current that enters: D c' A_cross at the clamp.
    assert leak == pytest.approx(volume / 2.0 / length * np.tanh(2.0 / length), rel=2e-3)


def test_a_spine_at_rest_stays_at_rest(spine):
    model = load_model(find_model("spine_calcium"))
    for reactions_of in model.species:
        at_rest = {name: float(s.initial.evaluate(model.values())) for name, s in model.species.items()} | model.values() | {"t": -1.0}
        for place in {r.place for r in model.reactions}:
            net = sum(r.changes.get(reactions_of, 0) * r.rate.evaluate(at_rest) for r in model.reactions if r.place == place)
            assert net == pytest.approx(0.0, abs=1e-6)
    solution = solve_model(spine, model.with_values({"influx": 0.0}), errors="never")
    assert solution["Ca_mean_peak"].value == pytest.approx(0.1, rel=1e-9)
    assert solution["Ca_er_mean_final"].value == pytest.approx(250.0, rel=1e-9)


def test_calcium_rises_at_the_synapse_and_falls_again(spine):
    solution = solve_model(spine, load_model(find_model("spine_calcium")), errors="never")
    course = solution.courses["Ca_mean_peak"]
    assert 0.15 < course.values.max() < 20.0
    assert course.values[-1] < 0.5 * course.values.max()
    psd_area, decay, rise = 0.16, 0.08, 0.005
    expected = 5e5 * psd_area * (decay * (1 - np.exp(-0.295 / decay)) - rise)
    assert solution["nmdar_rate_integral"].value == pytest.approx(expected, rel=0.01)


def test_stimuli_are_formulas_that_are_put_in():
    nmdar = next(r for r in load_model(find_model("spine_calcium")).reactions if r.name == "nmdar")
    assert "opened" not in nmdar.rate.names and {"t", "onset", "rise", "decay", "influx"} == set(nmdar.rate.names)
    assert parse("step(t - onset)").evaluate({"t": 0.0, "onset": 0.005}) == 0.0


def test_names_that_are_neither_file_nor_model_list_the_models(tmp_path):
    with pytest.raises(FileError, match=r"no model file .*calzium; .* a shipped model: .*diffusion"):
        find_model("calzium")


def test_a_file_wins_over_a_shipped_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "diffusion").write_text("species: {A: {in: '*'}}\nobservables: [{type: volume}]\n", encoding="utf-8")
    assert list(load_model(find_model("diffusion")).species) == ["A"]
