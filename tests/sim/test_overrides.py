from __future__ import annotations

from pathlib import Path

import pytest

from cellml.sim.errors import SimulationError
from cellml.sim.model_file import parse_model
from cellml.sim.overrides import overridden

MODEL = parse_model(
    """
species:
  A: {in: cytosol, D: {value: 2, unit: um^2/s}, initial: {value: 1, unit: uM}}
  B: {in: ER}
  X: {on: PM}
parameters:
  k_on: {value: 1, unit: 1/(uM*s), bounds: [0.1, 10]}
  a: {value: 1, unit: uM}
reactions: [{name: bind, on: PM, equation: A + X -> X, forward: k_on}]
releases: [{of: A, at: PM, amount: {value: 5, unit: molecule}}]
time: {end: {value: 1, unit: s}, tolerance: 1e-3}
observables: [{type: amount, of: A}]
""",
    Path("m.yaml"),
)


def test_parameters_take_values_in_any_unit_of_their_dimension():
    changed = overridden(MODEL, parameters={"k_on": "2e6 1/(M*s)", "D_A": "3 um^2/ms"})
    assert changed.values()["k_on"] == pytest.approx(2 * MODEL.values()["k_on"])
    assert changed.values()["D_A"] == pytest.approx(3000.0)
    assert changed.values()["a"] == MODEL.values()["a"]
    assert changed.parameters["k_on"].quantity.source == "given on the command line"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"k_of": "2 1/s"}, r"no parameter 'k_of'; did you mean 'k_on'\?; it has k_on \(1/\(uM\*s\)\), a \(uM\)"),
        ({"k_on": "2 1/s"}, r"parameters=\{k_on: 2 1/s\}: a unit such as 1/\(uM\*s\) is needed"),
        ({"k_on": 2}, r"a unit such as 1/\(uM\*s\) is needed .*dimensionless"),
        ({"k_on": "fast"}, r"a value with its unit is needed, such as '2 1/\(uM\*s\)', found 'fast'"),
        ({"k_on": "2 florps"}, r"is not a unit"),
        ({"k_on": "-1 1/(uM*s)"}, r"negative rate"),
        ({"k_on": "20 1/(uM*s)"}, r"outside of the bounds at m.yaml:7"),
        ({"A_initial": "-1 uM"}, r"A: initial becomes negative, -602"),
        ({"A_released": "-5 molecule"}, r"m.yaml:10: release of A becomes negative"),
        ({"k_on": "1e400 1/(uM*s)"}, r"larger than numbers can be"),
    ],
)
def test_impossible_parameters_are_refused_with_what_there_is(parameters, message):
    with pytest.raises(SimulationError, match=message):
        overridden(MODEL, parameters=parameters)


def test_places_are_regions_of_compartments_and_facets_of_membranes():
    changed = overridden(MODEL, places={"cytosol": "label_7", "PM": ["membrane", "psd"]})
    assert changed.compartments["cytosol"].regions == ("label_7",)
    assert changed.membranes["PM"].facets == ("membrane", "psd")
    assert changed.compartments["ER"] == MODEL.compartments["ER"]


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ({"cytosl": "label_7"}, r"no place 'cytosl'; did you mean 'cytosol'\?; it has cytosol, ER, PM"),
        ({"cytosol": []}, r"the name of a region or a set of facets is needed"),
        ({"cytosol": "ER"}, r"places=\{cytosol: ER\}: the region 'ER' is taken for cytosol and ER"),
    ],
)
def test_impossible_places_are_refused(places, message):
    with pytest.raises(SimulationError, match=message):
        overridden(MODEL, places=places)


def test_time_and_cut_can_be_given_from_outside():
    changed = overridden(MODEL, cut="absorbing", end="20 ms", steps=7)
    assert changed.time is not None
    assert (changed.cut, changed.time.end.base, changed.time.steps, changed.time.tolerance) == ("absorbing", pytest.approx(0.02), 7, None)
    relative = overridden(MODEL, end="0.5 diffusion_time").time
    assert relative is not None and (relative.end.value, relative.end.unit, relative.tolerance) == (0.5, "diffusion_time", 1e-3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cut": "open"}, r"cut=open: .*sealed, absorbing, fixed"),
        ({"end": "3 um"}, r"end=3 um: a unit such as s is needed"),
        ({"end": "-1 s"}, r"after the beginning"),
        ({"end": "3"}, r"end=3: a unit such as s is needed"),
        ({"steps": 0}, r"steps=0: between 1 and 100,000,000"),
    ],
)
def test_impossible_times_and_rules_are_refused(given, message):
    with pytest.raises(SimulationError, match=message):
        overridden(MODEL, **given)


def test_a_model_that_is_not_followed_has_no_end():
    from dataclasses import replace

    with pytest.raises(SimulationError, match="not followed in time"):
        overridden(replace(MODEL, time=None, steady=True), end="1 s")


def test_facet_sets_that_a_model_names_itself_are_places_too():
    text = "\n".join(
        (
            "species: {A: {in: cytosol, D: {value: 2, unit: um^2/s}}, X: {on: PM}}",
            "membranes: {PM: {facets: [membrane, PSD]}}",
            "observables: [{type: first_passage_time, of: A, to: PSD}, {type: area, on: PM}]",
        )
    )
    changed = overridden(parse_model(text, Path("m.yaml")), places={"PSD": ["cap", "cut_z1"]})
    assert changed.membranes["PSD"].facets == ("cap", "cut_z1")
    assert changed.membranes["PM"].facets == ("membrane", "cap", "cut_z1")
    with pytest.raises(SimulationError, match=r"no place 'PSd'; did you mean 'PSD'\?; it has cytosol, PM, PSD, membrane"):
        overridden(parse_model(text, Path("m.yaml")), places={"PSd": "cap"})
