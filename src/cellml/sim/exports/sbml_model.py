"""The biochemistry of a model in SBML Level 3 Version 1 (Hucka et al., J. Integr. Bioinform. 15:20170080, 2018).

Substance is counted in items (molecules), lengths in µm, time in s, so that every number is that of cellml's own equations. The rate of a
reaction at a place of size V is V ρ items per second where the model is well mixed, and ρ per µm³ or µm² where it is spatial.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from cellml.sim.exports.located import Located
from cellml.sim.exports.sbml_formulas import formula, math, sid, unit
from cellml.sim.model import Reaction, Stimulus
from cellml.sim.quantities import base_unit


def fill(document: Any, located: Located, *, spatial: bool) -> Any:
    """Put units, places, parameters, species and reactions into a document; returns its model."""
    model = document.createModel()
    model.setId(sid(located.model.name))
    model.setName(located.model.name)
    for setter, of in (("Length", "um"), ("Area", "um**2"), ("Volume", "um**3")):
        getattr(model, f"set{setter}Units")(unit(model, of))
    model.setSubstanceUnits("item")
    model.setExtentUnits("item")
    model.setTimeUnits("second")
    for place in located.system.spaces:
        bulk = place in located.model.compartments
        add_compartment(model, sid(place), 3 if bulk else 2, located.size(place))
    for parameter in located.model.parameters.values():
        add_parameter(model, sid(parameter.name), parameter.quantity.base, base_unit(parameter.quantity.dimension))
    for stimulus in located.model.stimuli.values():
        _stimulus(model, stimulus)
    _species(model, located)
    for reaction in located.model.reactions:
        if reaction.changes:
            _reaction(model, located, reaction, spatial=spatial)
    return model


def add_compartment(model: Any, name: str, dimensions: int, size: float) -> Any:
    """A compartment (3) or membrane (2) of constant size, in µm³ or µm²."""
    added = model.createCompartment()
    added.setId(name)
    added.setSpatialDimensions(dimensions)
    added.setSize(size)
    added.setUnits(unit(model, f"um**{dimensions}"))
    added.setConstant(True)
    return added


def add_parameter(model: Any, name: str, value: float, coherent: str, *, constant: bool = True) -> Any:
    """A parameter in coherent units."""
    added = model.createParameter()
    added.setId(name)
    added.setValue(value)
    added.setUnits(unit(model, coherent))
    added.setConstant(constant)
    return added


def _stimulus(model: Any, stimulus: Stimulus) -> None:
    """A table as a parameter with a piecewise rule."""
    name = sid(stimulus.name)
    add_parameter(model, name, stimulus.values[0], base_unit(stimulus.dimension), constant=False)
    pieces = [f"{stimulus.values[0]!r}, time < {stimulus.times[0]!r}"]
    for (t, v), (u, w) in pairwise(zip(stimulus.times, stimulus.values, strict=True)):
        value = repr(v) if stimulus.steps else f"{v!r} + {w - v!r} * (time - {t!r}) / {u - t!r}"
        pieces.append(f"{value}, time < {u!r}")
    rule = model.createAssignmentRule()
    rule.setVariable(name)
    rule.setMath(math(f"piecewise({', '.join(pieces)}, {stimulus.values[-1]!r})"))


def _species(model: Any, located: Located) -> None:
    for s in located.model.species.values():
        added = model.createSpecies()
        added.setId(sid(s.name))
        added.setCompartment(sid(s.place))
        added.setSubstanceUnits("item")
        added.setHasOnlySubstanceUnits(False)
        added.setBoundaryCondition(False)
        added.setConstant(False)
        if located.is_number(s.initial):
            added.setInitialConcentration(located.number(s.initial))
        else:
            assignment = model.createInitialAssignment()
            assignment.setSymbol(sid(s.name))
            assignment.setMath(math(formula(s.initial)))


def _reaction(model: Any, located: Located, reaction: Reaction, *, spatial: bool) -> None:
    added = model.createReaction()
    added.setId(sid(reaction.name))
    added.setReversible(reaction.backward is not None)
    added.setFast(False)
    added.setCompartment(sid(reaction.place))
    for create, copies in ((added.createReactant, reaction.reactants), (added.createProduct, reaction.products)):
        for name, count in copies.items():
            reference = create()
            reference.setSpecies(sid(name))
            reference.setStoichiometry(count)
            reference.setConstant(True)
    for name in located.model.species:
        if name in reaction.rate.names and name not in {*reaction.reactants, *reaction.products}:
            added.createModifier().setSpecies(sid(name))
    rate = formula(reaction.rate)
    added.createKineticLaw().setMath(math(rate if spatial else f"{sid(reaction.place)} * ({rate})"))
