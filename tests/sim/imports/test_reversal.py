from __future__ import annotations

from pathlib import Path

import libsbml
import pytest

from cellml.sim.expression import parse
from cellml.sim.imports.conversion import convert
from cellml.sim.imports.draft import Place, Process
from cellml.sim.imports.reading import parse_document
from cellml.sim.imports.reversal import mass_action
from cellml.sim.imports.units import Unit
from cellml.sim.model_file import parse_model

CELL = Place("cell", True, 2.0, Unit("litre"), "volume_of_cell")


@pytest.mark.parametrize(
    ("rate", "left", "constant"),
    [
        ("k * A * B", {"A": 1, "B": 1}, "k"),
        ("B * (A * k)", {"A": 1, "B": 1}, "k"),
        ("k * A**2", {"A": 2}, "k"),
        ("k * A * A", {"A": 2}, "k"),
        ("k * A", {"A": 2}, None),
        ("k * A * B", {"A": 1}, None),
        ("A * B", {"A": 1, "B": 1}, None),
        ("A * B", {"A": 1}, None),  # B is a species, not a constant
        ("k * q * A", {"A": 1}, None),
        ("k * A / B", {"A": 1, "B": 1}, None),
        ("k * A * B - q * A", {"A": 1, "B": 1}, None),
        ("2 * k * A", {"A": 1}, None),
        ("k * A**1.5", {"A": 1}, None),
    ],
)
def test_only_a_constant_times_the_reactants_is_mass_action(rate, left, constant):
    assert mass_action(Process("r", CELL, left, {"C": 1}, "->", parse(rate)), {"k", "q"}) == constant


def converted(sbml, *reactions, reversible=False):
    document = sbml.writer()
    model = document.getModel()
    sbml.compartment(model, "cell", 2.0)
    for name in "ABC":
        sbml.species(model, name, "cell", 1.0)
    for name, value, unit in (("kon", 2.0, "per_uM_s"), ("koff", 0.5, "per_s"), ("Vmax", 1.0, "uM_per_s"), ("Km", 1.0, "uM")):
        sbml.parameter(model, name, value, unit)
    for name, left, right, law in reactions:
        sbml.reaction(model, name, left, right, law, reversible=reversible)
    source = Path("written.xml")
    found = convert(parse_document(libsbml.writeSBMLToString(document), source), source)
    return found, parse_model(found.text, Path("written.yaml"))


BIND = ("bind", {"A": 1, "B": 1}, {"C": 1}, "cell*kon*A*B")
UNBIND = ("unbind", {"C": 1}, {"B": 1, "A": 1}, "cell*koff*C")


@pytest.mark.parametrize("reversible", [True, False])
@pytest.mark.parametrize("pair", [(BIND, UNBIND), (UNBIND, BIND)])
def test_two_ways_of_mass_action_become_one_reversible_reaction(sbml, pair, reversible):
    found, model = converted(sbml, *pair, reversible=reversible)
    (reaction,) = model.reactions
    assert reaction.name == pair[0][0]
    assert reaction.forward is not None and reaction.backward is not None
    state = {**model.values(), "A": 3.0, "B": 5.0, "C": 7.0}
    net = state["kon"] * 15.0 - state["koff"] * 7.0
    assert reaction.rate.evaluate(state) * reaction.changes["C"] == pytest.approx(net)
    assert len(found.draft.notes) == 1
    assert f"# {pair[0][0]} and {pair[1][0]} are each other's reverse, and one reversible reaction here" in found.text


def test_other_laws_stay_two_reactions_and_are_told(sbml):
    found, model = converted(sbml, BIND, ("unbind", {"C": 1}, {"A": 1, "B": 1}, "cell*Vmax*C/(Km + C)"))
    assert [(r.name, r.changes["C"]) for r in model.reactions] == [("bind", 1), ("unbind", -1)]
    assert found.draft.notes == ["bind and unbind are each other's reverse; they stay two reactions, since not both are of mass action."]


def test_making_and_breaking_down_are_no_pair(sbml):
    found, model = converted(sbml, ("make", {}, {"A": 1}, "cell*Vmax"), ("break", {"A": 1}, {}, "cell*koff*A"))
    assert len(model.reactions) == 2
    assert found.draft.notes == []


def test_of_three_reactions_only_two_are_a_pair(sbml):
    _, model = converted(sbml, BIND, UNBIND, ("again", {"C": 1}, {"A": 1, "B": 1}, "cell*koff*C"))
    assert [r.name for r in model.reactions] == ["bind", "again"]
