"""Compartments, parameters and species of SBML."""

from __future__ import annotations

import math
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.imports.draft import Constant, Draft, Place, Pool, safe
from cellml.sim.imports.units import Unit, bracketed, unit_named

_MEANS = {3: "volume", 2: "area"}


def read_places(draft: Draft) -> None:
    """Compartments of three dimensions are compartments, of two membranes. Raises SimulationError for others, and for sizes that change."""
    model = draft.model
    for index in range(model.getNumCompartments()):
        each = model.getCompartment(index)
        called, dimensions = each.getId(), each.getSpatialDimensions() if each.isSetSpatialDimensions() else 3
        if dimensions not in _MEANS:
            raise SimulationError(f"the compartment {called!r} has {dimensions} dimensions; volumes (3) and membranes (2) are read")
        if model.getRule(called) is not None or not each.getConstant():
            raise SimulationError(f"the compartment {called!r} changes its size, which has no counterpart")
        unit = _unit(draft, each.getUnits(), _MEANS[dimensions], "compartment", called)
        size = each.getSize() if each.isSetSize() else None
        bulk = dimensions == 3
        draft.places[called] = Place(called, bulk, size, unit, f"{'volume' if bulk else 'area'}_of_{called}")


def read_parameters(draft: Draft) -> None:
    """Parameters without a rule. Raises SimulationError for a parameter that a rate rule changes, and for one without a value."""
    model = draft.model
    for index in range(model.getNumParameters()):
        each = model.getParameter(index)
        called, rule = each.getId(), model.getRule(each.getId())
        if rule is not None and rule.isRate():
            raise SimulationError(f"the parameter {called!r} follows a rate rule, which only species can; make it a species")
        if rule is not None:
            continue
        if not each.isSetValue() or not math.isfinite(each.getValue()):
            raise SimulationError(f"the parameter {called!r} has no value")
        draft.constants[safe(called)] = Constant(each.getValue(), unit_named(model, each.getUnits()), each.getName())


def read_species(draft: Draft) -> None:
    """Species that reactions change are species; constant ones are parameters; those with an assignment rule become stimuli later."""
    for index in range(draft.model.getNumSpecies()):
        each = draft.model.getSpecies(index)
        called, place = each.getId(), draft.places[each.getCompartment()]
        if each.getConversionFactor() or draft.model.getConversionFactor():
            raise SimulationError(f"the species {called!r} has a conversion factor, which has no counterpart")
        if each.getHasOnlySubstanceUnits():
            draft.amounts[safe(called)] = place
        rule = draft.model.getRule(called)
        if rule is not None and rule.isAssignment():
            continue
        substance = _unit(draft, each.getSubstanceUnits(), "substance", "species", called)
        unit = Unit(f"{substance.text}/{bracketed(place.unit.text)}", substance.factor / place.unit.factor)
        if rule is None and (each.getConstant() or each.getBoundaryCondition()):
            draft.constants[safe(called)] = Constant(_concentration(each, place), unit, f"held concentration of {each.getName() or called}")
        else:
            draft.pools[safe(called)] = Pool(place, _concentration(each, place), unit, each.getHasOnlySubstanceUnits(), each.getName())


def _concentration(each: Any, place: Place) -> float:
    """The initial concentration in substance per size of the compartment, 0 if nothing is said."""
    if each.isSetInitialConcentration():
        return float(each.getInitialConcentration())
    if not each.isSetInitialAmount() or each.getInitialAmount() == 0.0:
        return 0.0
    if not place.size:
        raise SimulationError(f"the species {each.getId()!r} begins with an amount, but its compartment {place.name!r} has no size")
    return float(each.getInitialAmount() / place.size)


def _unit(draft: Draft, named: str, what: str, kind: str, called: str) -> Unit:
    """A unit by its own name, or the model's. Raises SimulationError, with the remedy, where there is neither."""
    unit = unit_named(draft.model, named)
    if unit is None and what in draft.units.units:
        unit = draft.units[what]
        if what in draft.units.assumed:
            draft.assumed.setdefault(what, []).append(called)
    if unit is None:
        raise SimulationError(
            f"the {kind} {called!r} has no unit of {what}, and the model gives none; add it there, or convert with assume_units=true"
        )
    return unit
