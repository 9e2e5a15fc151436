from __future__ import annotations

from pathlib import Path

import libsbml
import numpy as np
import pytest

from cellml.sim.errors import SimulationError
from cellml.sim.imports.conversion import convert, gather
from cellml.sim.imports.reading import parse_document
from cellml.sim.model_file import parse_model
from cellml.sim.quantities import Quantity

SOURCE = Path("written.xml")


def converted(document, assumed=None):
    return parse_model(conversion(document, assumed).text, Path("written.yaml"))


def conversion(document, assumed=None):
    return convert(parse_document(libsbml.writeSBMLToString(document), SOURCE), SOURCE, assumed=assumed)


@pytest.fixture
def binding(sbml):
    """A ligand that binds on a membrane, is made and broken down; every kind of species and rule that has a counterpart."""
    document = sbml.writer()
    model = document.getModel()
    sbml.compartment(model, "cytosol", 2e-15)
    sbml.compartment(model, "PM", 10.0, 2)
    sbml.species(model, "A", "cytosol", 3.0)
    sbml.species(model, "X", "PM", 2e-9)
    sbml.species(model, "B", "PM")
    sbml.species(model, "N", "cytosol", 4e-15, amounts=True)
    sbml.species(model, "held", "cytosol", 0.7, boundary=True)
    for name, value, unit in (
        ("kon", 2.0, "per_uM_s"),
        ("koff", 6.0, "per_min"),
        ("Vmax", 0.5, "uM_per_s"),
        ("Km", 0.3, "uM"),
        ("k", 0.1, "per_s"),
    ):
        sbml.parameter(model, name, value, unit)
    sbml.parameter(model, "tau", 4.0, "second")
    sbml.parameter(model, "pulse", 0.0, "dimensionless", constant=False)
    sbml.rule(model, "pulse", "piecewise(sin(time/tau), time < tau, exp(-time/tau))")
    function = model.createFunctionDefinition()
    function.setId("menten")
    function.setMath(libsbml.parseL3Formula("lambda(s, v, m, v*s/(m + s))"))
    sbml.reaction(model, "bind", {"A": 1, "X": 1}, {"B": 1}, "PM*(kon*A*X - koff*B)")
    sbml.reaction(model, "decay", {"A": 1}, {}, "cytosol*menten(A, Vmax, Km)", reversible=False)
    sbml.reaction(model, "turn", {"A": 2}, {"N": 1}, "k*N*pulse + cytosol*k*A", reversible=False)
    sbml.reaction(model, "feed", {"held": 1}, {"A": 1}, "cytosol*k*held", reversible=False)
    law = sbml.reaction(model, "local", {"N": 1}, {}, "k2*N", reversible=False).getKineticLaw()
    own = law.createLocalParameter()
    own.setId("k2")
    own.setValue(0.25)
    own.setUnits("per_s")
    return document


def test_places_species_and_parameters_keep_names_values_and_units(binding):
    model = converted(binding)
    assert (list(model.compartments), list(model.membranes)) == (["cytosol"], ["PM"])
    assert {name: (s.place, s.bulk) for name, s in model.species.items()} == {
        **{"A": ("cytosol", True), "X": ("PM", False), "B": ("PM", False), "N": ("cytosol", True)}
    }
    values = model.values()
    uM = 602.214076
    # 2e-9 µmol per µm² = 2e-15 mol per µm²; 4e-15 µmol in 2e-15 l = 2 µM.
    expected = {"A_initial": 3 * uM, "X_initial": 2e-15 * 6.02214076e23, "N_initial": 2 * uM, "held": 0.7 * uM, "koff": 0.1, "Km": 0.3 * uM}
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert model.parameters["kon"].quantity.source == "written.xml: kon"
    assert {r.name: r.changes for r in model.reactions} == {
        **{"bind": {"A": -1, "X": -1, "B": 1}, "decay": {"A": -1}, "turn": {"A": -2, "N": 1}, "feed": {"A": 1}, "local": {"N": -1}}
    }
    assert {r.name: r.place for r in model.reactions}["bind"] == "PM"
    assert model.reactions[0].rate.names == {"kon", "koff", "A", "X", "B"}, "the area must have been taken out"


@pytest.mark.parametrize("time", [1.0, 9.0])
def test_rates_equal_those_of_the_mathematics_of_sbml(binding, sbml, time):
    model = converted(binding)
    resolved = parse_document(libsbml.writeSBMLToString(binding), SOURCE).getModel()
    random = np.random.default_rng(3)
    state = {"A": 3 * random.random(), "X": 2e-9 * random.random(), "B": 1e-9 * random.random(), "N": 4e-15 * random.random()}
    theirs = {**state, "time": time, "cytosol": 2e-15, "PM": 10.0, "held": 0.7}
    theirs |= {resolved.getParameter(i).getId(): resolved.getParameter(i).getValue() for i in range(resolved.getNumParameters())}
    theirs["koff"] = 0.1  # 6 per minute, in per second
    theirs["pulse"] = sbml.evaluate(resolved.getRule("pulse").getMath(), theirs)
    units = {"A": "umol/litre", "X": "umol/um^2", "B": "umol/um^2"}
    ours = {**model.values(), "t": time, **{name: Quantity(state[name], unit).base for name, unit in units.items()}}
    ours["N"] = Quantity(state["N"] / 2e-15, "umol/litre").base
    size = {"cytosol": Quantity(2e-15, "litre").base, "PM": 10.0}
    for reaction in model.reactions:
        law = resolved.getReaction(reaction.name).getKineticLaw().getMath()
        expected = Quantity(sbml.evaluate(law, theirs), "umol/s").base
        assert float(reaction.rate.evaluate(ours)) * size[reaction.place] == pytest.approx(expected, rel=1e-12), reaction.name


@pytest.mark.parametrize(("level", "version"), [(2, 1), (2, 4), (2, 5), (3, 1), (3, 2)])
def test_all_versions_are_read(sbml, level, version):
    document = sbml.writer(level, version)
    model = document.getModel()
    sbml.compartment(model, "cell", 1.0)
    sbml.species(model, "S", "cell", 2.0)
    sbml.parameter(model, "k", 0.5, "per_s")
    sbml.reaction(model, "decay", {"S": 1}, {}, "cell*k*S", reversible=False)
    found = converted(document)
    unit = "umol/litre" if level == 3 else "mole/litre"  # the default of level 2
    assert found.values()["S_initial"] == pytest.approx(Quantity(2.0, unit).base)
    assert str(found.reactions[0].rate) == "k * S"


def test_initial_assignments_and_rate_rules(sbml):
    document = sbml.writer()
    model = document.getModel()
    sbml.compartment(model, "cell", 2.0)
    sbml.species(model, "S", "cell")
    sbml.parameter(model, "S0", 3.0, "uM")
    sbml.parameter(model, "k", 0.5, "per_s")
    assignment = model.createInitialAssignment()
    assignment.setSymbol("S")
    assignment.setMath(libsbml.parseL3Formula("2*S0"))
    sbml.rule(model, "S", "-k*S", "Rate")
    found = converted(document)
    assert found.values()["S_initial"] == pytest.approx(Quantity(6.0, "uM").base)
    assert (found.reactions[0].name, str(found.reactions[0].rate), found.reactions[0].changes) == ("change_of_S", "-k * S", {"S": 1})


def test_rules_may_stand_in_any_order_and_name_species(sbml):
    document = sbml.writer()
    model = document.getModel()
    sbml.compartment(model, "cell", 2.0)
    sbml.species(model, "S", "cell", 1.0)
    sbml.species(model, "total", "cell", 1.0)
    sbml.parameter(model, "k", 0.5, "per_s")
    sbml.parameter(model, "twice", 0.0, "uM", constant=False)
    sbml.rule(model, "twice", "2*total")
    sbml.rule(model, "total", "S + S")
    sbml.reaction(model, "decay", {"S": 1}, {}, "cell*k*twice", reversible=False)
    found = converted(document)
    assert list(found.species) == ["S"]
    assert found.reactions[0].rate.evaluate({"k": 0.5, "S": 3.0}) == pytest.approx(0.5 * 4 * 3.0)


def test_words_of_our_grammar_are_renamed(sbml):
    document = sbml.writer()
    model = document.getModel()
    sbml.compartment(model, "cell", 2.0)
    sbml.species(model, "t", "cell", 1.0)
    sbml.parameter(model, "lambda_", 0.5, "per_s")
    sbml.parameter(model, "hill", 0.5, "per_s")
    sbml.reaction(model, "step", {"t": 1}, {}, "cell*(lambda_ + hill)*t", reversible=False)
    found = converted(document)
    assert (list(found.species), found.reactions[0].name) == (["t_"], "step_")
    assert str(found.reactions[0].rate) == "(lambda_ + hill_) * t_"


def small(sbml):
    document = sbml.writer()
    model = document.getModel()
    sbml.compartment(model, "cell", 2.0)
    sbml.compartment(model, "er", 1.0)
    sbml.species(model, "S", "cell", 1.0)
    sbml.species(model, "P", "cell", 1.0)
    sbml.species(model, "E", "er", 1.0)
    sbml.parameter(model, "k", 0.5, "per_s")
    sbml.parameter(model, "p", 0.5, "per_s", constant=False)
    return document, model


# what is done to a good model, and what is said of it
REFUSED = {
    "joins cell, er, with 0 membranes among them": lambda s, m: s.reaction(m, "carry", {"S": 1}, {"E": 1}, "cell*k*S"),
    "algebraic rule number 1 has no counterpart": lambda s, m: s.rule(m, "", "p - k", "Algebraic"),
    "the parameter 'p' follows a rate rule": lambda s, m: s.rule(m, "p", "k*k", "Rate"),
    "this is not SBML that can be used: .*'p' creates a cycle with": lambda s, m: (
        s.parameter(m, "q", None, "per_s", constant=False),
        s.rule(m, "p", "q"),
        s.rule(m, "q", "p"),
    ),
    "this is not SBML that can be used: .*'nowhere'": lambda s, m: m.getSpecies("S").setCompartment("nowhere"),
    "the reaction 'grow' has 1.5 copies of S": lambda s, m: s.reaction(m, "grow", {}, {"S": 1.5}, "cell*k*S"),
    "the law of 'wait': 'delay' has no counterpart": lambda s, m: s.reaction(m, "wait", {"S": 1}, {}, "cell*k*delay(S, 2)"),
    "the law of 'cut': 'floor' has no counterpart": lambda s, m: s.reaction(m, "cut", {"S": 1}, {}, "cell*k*floor(S)"),
    "the law of 'avo': 'avogadro' has no counterpart": lambda s, m: s.reaction(m, "avo", {"S": 1}, {}, "cell*k*S*avogadro"),
    "the name of a reaction or of a stoichiometry, 'one'": lambda s, m: (
        s.reaction(m, "one", {"S": 1}, {}, "cell*k*S"),
        s.reaction(m, "two", {"P": 1}, {}, "one*2"),
    ),
    "the parameter 'bare' has no unit; add it there, or convert with assume_units=true": lambda s, m: s.parameter(m, "bare", 1.0),
    "the parameter 'empty' has no value": lambda s, m: s.parameter(m, "empty", None, "per_s"),
    "the compartment 'line' has 1 dimensions": lambda s, m: s.compartment(m, "line", 1.0, 1).setUnits("metre"),
    "the compartment 'cell' changes its size": lambda s, m: (m.getCompartment("cell").setConstant(False), s.rule(m, "cell", "3")),
    "the unit 'avogadro' has no counterpart": lambda s, m: s.parameter(m, "warm", 3.0, "avogadro"),
    "its formulas do not hold together as a model file: written.yaml:": lambda s, m: s.reaction(m, "odd", {"S": 1}, {}, "cell*S"),
    "a piecewise function without a last value": lambda s, m: s.reaction(m, "some", {"S": 1, "P": 1}, {}, "cell*k*piecewise(S, S > P)"),
    "the condition .* has no counterpart": lambda s, m: s.reaction(m, "same", {"S": 1, "P": 1}, {}, "cell*k*piecewise(S, S == P, P)"),
    "has no kinetic law": lambda s, m: s.reaction(m, "none", {"S": 1}, {}, "k").unsetKineticLaw(),
    "conversion factor": lambda s, m: m.getSpecies("S").setConversionFactor("k"),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_has_no_counterpart_is_named(sbml, message):
    document, model = small(sbml)
    assert converted(document).species
    REFUSED[message](sbml, model)
    with pytest.raises(SimulationError, match=rf"^written\.xml:(?:[0-9]+:)? .*(?:{message})"):
        converted(document)


def test_rules_in_a_circle_are_named_where_nobody_checked_before(sbml):
    _, model = small(sbml)
    sbml.parameter(model, "q", None, "per_s", constant=False)
    sbml.rule(model, "p", "q")
    sbml.rule(model, "q", "p")
    with pytest.raises(SimulationError, match="the assignment rules of p, q depend on each other in a circle"):
        gather(model, None)


def test_events_are_refused_by_name(sbml):
    document, model = small(sbml)
    event = model.createEvent()
    event.setId("fire")
    event.setUseValuesFromTriggerTime(True)
    trigger = event.createTrigger()
    trigger.setInitialValue(True)
    trigger.setPersistent(True)
    trigger.setMath(libsbml.parseL3Formula("time > 1"))
    with pytest.raises(SimulationError, match="the event 'fire' has no counterpart; write what it does as a stimulus"):
        converted(document)


def test_a_membrane_named_by_the_reaction_joins_two_compartments(sbml):
    document, model = small(sbml)
    sbml.compartment(model, "ERM", 3.0, 2)
    sbml.parameter(model, "pump", 1e-9, "umol_per_um2")
    carry = sbml.reaction(model, "carry", {"S": 1, "P": 1}, {"E": 1}, "ERM*pump*k*(S/(S + P))")
    carry.setCompartment("ERM")
    found = converted(document)
    assert (found.reactions[0].place, str(found.reactions[0].rate)) == (
        "ERM",
        "pump * k * S / (S + P)".replace("k * S / (S + P)", "k * (S / (S + P))"),
    )


def test_units_that_are_missing_can_be_assumed(sbml):
    document = libsbml.SBMLDocument(3, 2)
    model = document.createModel()
    sbml.compartment(model, "cell", 2.0)
    sbml.species(model, "S", "cell", 1.0)
    sbml.species(model, "P", "cell", 1.0)
    for name, value in (("k2", 0.5), ("k1", 3.0), ("K", 4.0), ("n", 2.0), ("w", 0.1)):
        sbml.parameter(model, name, value)
    sbml.reaction(model, "pair", {"S": 1, "P": 1}, {}, "cell*k2*S*P*sin(w*time)")
    sbml.reaction(model, "limit", {"S": 1}, {}, "cell*(k1*S^2/(K^2 + S^2) + 0.25)")
    with pytest.raises(SimulationError, match="the compartment 'cell' has no unit of volume, and the model gives none"):
        converted(document)
    found = converted(document, {"substance": "umol", "time": "minute"})
    units = {name: p.quantity.unit for name, p in found.parameters.items()}
    assert Quantity(1.0, units["k2"]).to("1/(uM*minute)") == pytest.approx(1.0)
    assert Quantity(1.0, units["k1"]).to("uM/minute") == pytest.approx(1.0)
    assert Quantity(1.0, units["K"]).to("uM") == pytest.approx(1.0)
    assert Quantity(1.0, units["w"]).to("1/minute") == pytest.approx(1.0)
    assert Quantity(1.0, units["number_1"]).to("uM/minute") == pytest.approx(1.0)
    assert "n" in units and units["n"] == "dimensionless"
    every = conversion(document, {"substance": "umol", "time": "minute"})
    for said in (
        "The unit of substance is assumed to be umol, for S, P.",
        "The unit of volume is assumed to be litre, for cell.",
        "The unit of time is assumed to be minute, for all rates.",
        *(f"The unit of {name} is assumed to be {units[name]}, as the equations ask for." for name in ("k1", "k2", "K", "n", "w")),
        f"The unit of number_1 (0.25 in a formula) is assumed to be {units['number_1']}, as the equations ask for.",
    ):
        assert said in every.draft.notes
        assert f"# {said}\n" in every.text
    assert len(every.draft.notes) == 9


def test_units_that_are_given_are_no_assumptions_and_high_concentrations_are_remarked(sbml):
    document, model = small(sbml)
    model.getSpecies("S").setInitialConcentration(0.99e5)  # µM
    model.getSpecies("P").setInitialConcentration(1.5e5)
    found = conversion(document, {})
    assert found.draft.notes == ["P begins at 150 mM, more than 100 mM, which hardly occurs in cells; check the units."]
    assert f"# {found.draft.notes[0]}\n" in found.text
