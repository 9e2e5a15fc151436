"""Whether the parts of a model fit together: species at their places, and dimensions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cellml.sim.dimension import dimension, same_dimension
from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression
from cellml.sim.model import Model, Reaction
from cellml.sim.model_signs import check_direction, check_not_negative
from cellml.sim.observable_types import BULK_UNIT, SURFACE_UNIT, TYPES
from cellml.sim.quantities import dimension_of
from cellml.sim.reading import nearest
from cellml.sim.sections.gathering import Gathering
from cellml.sim.yaml_lines import KeyPath, LocatedDocument

_BULK, _SURFACE, _BULK_RATE, _SURFACE_RATE = "molecule/um^3", "molecule/um^2", "molecule/um^3/s", "molecule/um^2/s"


def check_model(model: Model, have: Gathering) -> None:
    """Raise SimulationError, with file, line and key, for the first thing that does not fit."""
    document = have.document
    for key, formula in have.formulas.items():
        _dimension(document, ("stimuli", key, "formula"), formula, _known(model, model.species, space=True, time=True))
    _check_species_entries(model, document)
    for index, reaction in enumerate(model.reactions):
        _check_reaction(model, document, ("reactions", index), reaction)
    for index, fixed in enumerate(model.fixed):
        _check_species(model, document, ("fixed", index, "of"), fixed.species, bulk=True)
        _check(document, ("fixed", index, "value"), fixed.value, _known(model, (), space=True, time=True), _BULK)
        check_not_negative(model, document, ("fixed", index, "value"), fixed.value)
    for index, release in enumerate(model.releases):
        _check_species(model, document, ("releases", index, "of"), release.species, bulk=None)
        _check(document, ("releases", index, "amount"), release.amount, _known(model, ()), "molecule")
        check_not_negative(model, document, ("releases", index, "amount"), release.amount)
    _check_observables(model, document)


def _check_species_entries(model: Model, document: LocatedDocument) -> None:
    for key, species in model.species.items():
        _check(document, ("species", key, "D"), species.D, _known(model, ()), "um^2/s")
        _check(document, ("species", key, "initial"), species.initial, _known(model, (), space=True), _BULK if species.bulk else _SURFACE)
        check_not_negative(model, document, ("species", key, "D"), species.D)
        check_not_negative(model, document, ("species", key, "initial"), species.initial)


def _known(model: Model, species: Collection[str], *, space: bool = False, time: bool = False) -> Mapping[str, Any]:
    """Dimensions of everything that a formula may name."""
    known = {name: parameter.quantity.dimension for name, parameter in model.parameters.items()}
    known |= {name: dimension_of(_BULK if model.species[name].bulk else _SURFACE) for name in species}
    if space:
        known |= dict.fromkeys("xyz", dimension_of("um"))
    if time:
        known |= {"t": dimension_of("s")} | {name: stimulus.dimension for name, stimulus in model.stimuli.items()}
    return known


def _dimension(document: LocatedDocument, path: KeyPath, formula: Expression, known: Mapping[str, Any]) -> Any:
    try:
        return dimension(formula, known)
    except SimulationError as error:
        raise document.error(path, str(error)) from None


def _check(document: LocatedDocument, path: KeyPath, formula: Expression, known: Mapping[str, Any], unit: str) -> None:
    found, needed = _dimension(document, path, formula, known), dimension_of(unit)
    if found is not None and not same_dimension(found, needed):
        raise document.error(path, f"a unit such as {unit} is needed ({needed}), but `{formula}` is {found}")


def _check_reaction(model: Model, document: LocatedDocument, path: KeyPath, reaction: Reaction) -> None:
    entry = document.content["reactions"][path[1]]
    within = "in" in entry
    for name in [*reaction.reactants, *reaction.products]:
        _check_species(model, document, (*path, "equation"), name, bulk=None)
    used = {*reaction.reactants, *reaction.products, *reaction.rate.names}
    for name in (name for name in model.species if name in used):
        _check_place(model, document, path, reaction, name, within=within)
    key = "rate" if reaction.forward is None else "forward"
    for constant, formula in (("forward", reaction.forward), ("backward", reaction.backward)):
        if formula is not None:
            check_not_negative(model, document, (*path, constant), formula)
    known = _known(model, model.species, space=True, time=True)
    _check(document, (*path, key), reaction.rate, known, _BULK_RATE if within else _SURFACE_RATE)
    if "<->" not in entry["equation"]:
        check_direction(model, document, (*path, key), reaction)


def _check_place(model: Model, document: LocatedDocument, path: KeyPath, reaction: Reaction, name: str, *, within: bool) -> None:
    """In a compartment only its own species react; on a membrane bulk species too, and those of a membrane that covers it."""
    species = model.species[name]
    if within and species.place != reaction.place:
        remedy = f"a reaction between places stands `on:` the membrane between them, not `in: {reaction.place}`"
        raise document.error(path, f"{name} lives in {species.place}, not in {reaction.place}; {remedy}")
    if within or species.bulk or species.place == reaction.place:
        return
    home, here = model.membranes[species.place].facets, model.membranes[reaction.place].facets
    if not set(here) <= set(home):
        remedy = f"list its facets under membranes: {{{species.place}: {{facets: [{', '.join(dict.fromkeys([*home, *here]))}]}}}}"
        raise document.error(path, f"{name} lives on {species.place}, which does not cover {reaction.place}; {remedy}")


def _check_species(model: Model, document: LocatedDocument, path: KeyPath, name: str, *, bulk: bool | None) -> None:
    if name not in model.species:
        raise document.error(path, f"{name!r} is not a species{nearest(name, model.species)}; there are {', '.join(model.species)}")
    if bulk is not None and model.species[name].bulk != bulk:
        raise document.error(path, f"{name} lives {'in a compartment' if not bulk else 'on a membrane'}; this needs the other kind")


def _check_observables(model: Model, document: LocatedDocument) -> None:
    reactions = [reaction.name for reaction in model.reactions]
    for index, request in enumerate(model.observables):
        described, path = TYPES[request.type], ("observables", index)
        if described.about == "reaction" and request.of not in reactions:
            there = f"there are {', '.join(reactions) or 'none'}"
            raise document.error((*path, "of"), f"{request.of!r} is not a reaction{nearest(request.of, reactions)}; {there}")
        if described.about in ("species", "bulk species"):
            _check_species(model, document, (*path, "of"), request.of, bulk=True if described.about == "bulk species" else None)
        if described.course and model.time is None and not model.steady:
            raise document.error(path, "a time course needs `time:` (how the model is followed), or `steady: true`")
        if described.course and model.steady and request.reduce != "final":
            raise document.error((*path, "reduce"), f"a steady state has no {request.reduce}; leave it out")
        bulk = request.of in model.species and model.species[request.of].bulk
        usual = described.unit or (BULK_UNIT if bulk else SURFACE_UNIT)
        if request.unit and not same_dimension(dimension_of(request.unit), dimension_of(usual)):
            raise document.error((*path, "unit"), f"{request.name} comes in a unit such as {usual}, not in {request.unit}")
