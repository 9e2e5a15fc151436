"""Which species may react where, and numbers that cannot be negative."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellml.sim.errors import SimulationError
from cellml.sim.model_file import parse_model

PLACES = """\
compartments:
  cytosol: {region: [cytosol, spine]}
  er: {region: er}
membranes:
  PM: {facets: [PM, PSD]}
  PSD: {facets: PSD}
  ERM: {facets: ERM}
parameters:
  k: {value: 1, unit: 1/s}
  P: {value: 1, unit: um/s}
  signed: {value: -3, unit: uM}
species:
  A: {in: cytosol}
  B: {in: cytosol}
  E: {in: er}
  X: {on: PM}
  Y: {on: PSD}
  Z: {on: ERM}
time: {end: {value: 1, unit: s}}
observables: [{type: mean, of: A}]
"""


def react(line: str):
    return parse_model(f"{PLACES}reactions:\n  - {{{line}}}\n", Path("m.yaml")).reactions[0]


@pytest.mark.parametrize(
    "line",
    [
        "in: cytosol, equation: A -> B, forward: k",
        "in: er, equation: E -> 0, forward: k",
        "on: PM, equation: X -> 0, forward: k",
        "on: PM, equation: A -> X, rate: P*A",
        "on: PSD, equation: A -> Y, rate: P*A",
        "on: PSD, equation: X -> Y, forward: k",  # the density is a part of the membrane
        "on: ERM, equation: A <-> E, rate: P*(A - E)",
        "on: ERM, equation: A <-> E, forward: P, backward: P",
        "on: PM, equation: A -> B, rate: P*A",
        "on: ERM, equation: A -> Z, rate: P*A",
        "in: cytosol, equation: 0 -> A, rate: k*B",
    ],
)
def test_species_meet_at_their_places(line):
    assert react(line).changes


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("in: cytosol, equation: A -> E, forward: k", "E lives in er, not in cytosol; a reaction between places stands `on:` the membrane"),
        ("in: cytosol, equation: A -> B, rate: k*E", "E lives in er, not in cytosol"),
        ("in: cytosol, equation: A -> X, forward: k", "X lives in PM, not in cytosol"),
        (
            "on: PM, equation: Y -> 0, forward: k",
            r"Y lives on PSD, which does not cover PM; list its facets .*PSD: \{facets: \[PSD, PM\]\}",
        ),
        ("on: ERM, equation: X -> 0, forward: k", "X lives on PM, which does not cover ERM"),
        ("on: ERM, equation: A -> Z, rate: k*X", "X lives on PM, which does not cover ERM"),
        ("in: PM, equation: A -> B, forward: k", "`reactions.0.in`: 'PM' is a compartment .* and a membrane .*; write `on:` everywhere"),
        ("on: er, equation: A -> E, forward: P", "`reactions.0.on`: 'er' is a compartment .*; write `in:` everywhere"),
        ("on: PM, equation: A -> B, forward: k", r"a unit such as molecule/um\^2/s is needed"),
        ("in: cytosol, equation: A -> B, forward: P", r"a unit such as molecule/um\^3/s is needed"),
        ("in: cytosol, equation: 2 A -> B, forward: k", r"a unit such as molecule/um\^3/s is needed"),
        ("in: cytosol, equation: A <-> B, forward: k, backward: P", "`reactions.0.forward`: in `"),
        ("in: cytosol, equation: A -> B, rate: -k*A", "is negative: turn the reaction around, or write <-> for a net rate"),
        ("in: cytosol, equation: 0 -> A, rate: k*signed", "is negative: turn the reaction around"),
        ("in: cytosol, equation: A -> B, forward: k*(0-2)", "must not be negative, but `k . .0.0 - 2.0.` is -2"),
    ],
)
def test_species_that_do_not_meet_and_negative_rates_are_refused(line, message):
    with pytest.raises(SimulationError, match=rf"^m\.yaml:22: .*{message}"):
        react(line)


def test_a_net_rate_may_have_either_sign():
    assert react("in: cytosol, equation: A <-> B, rate: -k*A").place == "cytosol"
    assert react("in: cytosol, equation: A -> B, rate: k*(A - B)").place == "cytosol"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "er: {region: er}",
            "er: {region: spine}",
            "m.yaml:3: `compartments.er`: the region 'spine' belongs to cytosol already, not to er too",
        ),
        ("er: {region: er}", 'er: {region: "*"}', "m.yaml:2: .*'er' is all regions .*, so 'cytosol' cannot be another; list the regions"),
        ("  ERM: {facets: ERM}", "  er: {facets: ERM}", "m.yaml:7: `membranes.er`: 'er' is a compartment .* and a membrane"),
        ("X: {on: PM}", "k: {on: PM}", "m.yaml:16: `species.k`: the name 'k' stands for one of the parameters as well"),
    ],
)
def test_names_of_places_and_species_mean_one_thing(old, new, message):
    assert PLACES.count(old) == 1
    with pytest.raises(SimulationError, match=message):
        parse_model(PLACES.replace(old, new), Path("m.yaml"))
