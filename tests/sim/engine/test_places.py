"""Where species live, what is held and released there, and what a membrane separates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellml.sim.analytic import box
from cellml.sim.dynamics import run
from cellml.sim.engine.release import release_load
from cellml.sim.engine.system import build_system
from cellml.sim.engine.trajectory import Plan
from cellml.sim.errors import SimulationError
from cellml.sim.verification.exchange import exchange_error, nested_balls

ROD = box((200.0, 200.0, 1000.0), (1, 1, 6), cuts=("z0", "z1"))
DIFFUSION = 'species: {c: {in: "*", D: {value: 1, unit: um^2/s}, initial: {value: 2, unit: molecule/um^3}}}\n'


def test_concentrations_jump_across_a_membrane_and_relax_like_two_boxes():
    coarse, fine = exchange_error(1, 100), exchange_error(1, 200)
    assert fine < 5e-4
    assert 3.5 < coarse / fine < 4.5


def test_both_sides_of_a_membrane_have_unknowns_of_their_own(model_of):
    mesh = nested_balls(1)
    text = """
species: {out: {in: cytosol}, in_: {in: ER}, X: {on: ER_membrane}}
reactions: [{name: leak, on: ER_membrane, equation: out <-> in_, forward: P, backward: P}]
parameters: {P: {value: 1, unit: um/s}}
"""
    system = build_system(mesh, model_of(text))
    term, on = system.terms[0], np.unique(mesh.facets_named("ER_membrane"))
    assert (system.space_of("X").nodes == on).all()
    for name in ("out", "in_"):
        nodes = system.space_of(name).nodes[term.unknowns[name] - system.slices[name].start]
        assert (nodes == on).all()
    assert not np.intersect1d(term.unknowns["out"], term.unknowns["in_"]).size
    volume = system.space_of("out").measure + system.space_of("in_").measure
    assert volume == pytest.approx(mesh.volumes().sum() * 1e-9, rel=1e-12)


def test_a_reaction_whose_species_do_not_meet_is_refused_with_its_line(model_of):
    text = """species: {in_: {in: ER}}
parameters: {P: {value: 1, unit: um/s}}
reactions:
  - {name: leak, on: membrane, equation: in_ -> 0, forward: P}
"""
    with pytest.raises(SimulationError, match=r"test.yaml:4: in_ lives in ER, which does not reach \d+ of the \d+ points of membrane"):
        build_system(nested_balls(1), model_of(text))


@pytest.mark.parametrize(("cut", "expected"), [("sealed", 2.0), ("absorbing", 0.0), ("fixed", 2.0)])
def test_what_a_cut_face_does_is_what_was_asked_for(model_of, cut, expected):
    text = DIFFUSION + f"cut: {cut}\nparameters: {{k: {{value: 1, unit: 1/s}}}}\n"
    text += "reactions: [{in: '*', equation: c -> 0, forward: k}]\ntime: {end: {value: 0.5, unit: s}, steps: 10}\n"
    dynamics = run(ROD, model_of(text))
    y = dynamics.states[max(dynamics.states)]
    ends = np.unique(np.concatenate([ROD.facets_named(name) for name in ("cut_z0", "cut_z1")]))
    if cut == "sealed":
        assert y == pytest.approx(2.0 * np.exp(-0.5), rel=5e-3)
    else:
        assert (y[ends] == expected).all()
        assert (y.mean() < 1.0) == (cut == "absorbing")


def test_a_cut_face_that_a_membrane_claims_is_no_cut(model_of):
    text = DIFFUSION + "cut: absorbing\nmembranes: {port: {facets: [cut_z0]}}\n"
    text += "reactions: [{on: port, equation: c -> 0, forward: P}]\nparameters: {P: {value: 0, unit: um/s}}\n"
    dynamics = run(ROD, model_of(text))
    y = dynamics.states[max(dynamics.states)]
    assert (y[np.unique(ROD.facets_named("cut_z1"))] == 0).all()
    assert (y[np.unique(ROD.facets_named("cut_z0"))] > 0).all()


def test_held_values_follow_their_formula_in_time_and_space(model_of, followed):
    text = DIFFUSION + "parameters: {a: {value: 3, unit: molecule/um^3}, L: {value: 1, unit: um}, w: {value: 4, unit: 1/s}}\n"
    text += "fixed: [{of: c, on: cut_z0, value: a*(1 + x/L)*cos(w*t)}]\n"
    _, times, states = followed(ROD, model_of(text), Plan(1.0, 5))
    on = np.unique(ROD.facets_named("cut_z0"))
    for t, y in zip(times, states, strict=True):
        assert y[on] == pytest.approx(3.0 * (1.0 + ROD.points[on, 0] * 1e-3) * np.cos(4.0 * t), rel=1e-12)


@pytest.mark.parametrize("at", ["cut_z0", "membrane", "farthest_cut", "[100, 90, 420]"])
def test_released_molecules_are_all_there(model_of, followed, at):
    text = DIFFUSION + f"releases: [{{of: c, at: {at}, amount: {{value: 40, unit: molecule}}}}]\n"
    model = model_of(text)
    load = release_load(build_system(ROD, model), model.values())
    assert load.sum() == pytest.approx(40.0, rel=1e-12)
    stepper, _, states = followed(ROD, model, Plan(0.1, 10))
    amounts = states @ stepper.system.weights
    assert amounts[0] == pytest.approx(0.08, rel=1e-12)
    assert amounts[1:] == pytest.approx(40.08, rel=1e-12)


def test_a_point_release_has_its_centre_where_it_was_put(model_of):
    model = model_of(DIFFUSION + "releases: [{of: c, at: [100, 90, 420], amount: {value: 1, unit: molecule}}]\n")
    load = release_load(build_system(ROD, model), model.values())
    assert load @ ROD.points == pytest.approx([100.0, 90.0, 420.0], rel=1e-9)


def test_a_release_on_facets_is_even(model_of):
    model = model_of(DIFFUSION + "releases: [{of: c, at: cut_z0, amount: {value: 1, unit: molecule}}]\n")
    load = release_load(build_system(ROD, model), model.values())
    assert load @ ROD.points == pytest.approx([100.0, 100.0, 0.0], abs=1e-9)


@pytest.mark.parametrize(
    ("at", "message"),
    [("[100, 100, 2000]", r"outside of where c lives; the nearest corner there is 1\d\d\d nm away"), ("roof", "no set of facets 'roof'")],
)
def test_a_release_elsewhere_is_refused(model_of, at, message):
    model = model_of(DIFFUSION + f"releases: [{{of: c, at: {at}, amount: {{value: 1, unit: molecule}}}}]\n")
    with pytest.raises(SimulationError, match=message):
        release_load(build_system(ROD, model), model.values())


def test_lumped_masses_keep_concentrations_positive_where_consistent_ones_do_not(model_of, followed):
    """A short step after a release: on these right-angled tetrahedra the lumped matrix is an M-matrix, the consistent one is none."""
    text = DIFFUSION.replace("value: 2", "value: 0") + "releases: [{of: c, at: cut_z0, amount: {value: 1000, unit: molecule}}]\n"
    sturdy = box((200.0, 200.0, 1000.0), (2, 2, 10), cuts=("z0", "z1"))
    model = model_of(text)
    plan = Plan(1e-4, 5, "backward_euler")
    _, _, consistent = followed(sturdy, model, plan)
    stepper, _, lumped = followed(sturdy, replace(model, lumped=True), plan)
    assert consistent.min() < -1.0
    assert lumped.min() >= -1e-9 * lumped.max()
    assert lumped[-1] @ stepper.system.weights == pytest.approx(1000.0, rel=1e-12)
