"""Reactions and rules of SBML."""

from __future__ import annotations

from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression, name
from cellml.sim.imports.draft import Constant, Draft, Place, Process, safe
from cellml.sim.imports.formula import per_size, to_formula


def read_rules(draft: Draft) -> None:
    """Assignment rules become stimuli, in an order in which each names only earlier ones; rate rules of species become reactions."""
    model, assigned = draft.model, {}
    for index in range(model.getNumRules()):
        rule = model.getRule(index)
        called = rule.getVariable()
        formula = _math(draft, rule, f"the rule of {called!r}")
        place = draft.amounts.get(safe(called))
        if place is not None:
            formula = per_size(formula, place.size_name)
        if rule.isRate():
            _rate_rule(draft, called, formula)
        else:
            assigned[safe(called)] = formula
    while assigned:
        ready = [called for called, formula in assigned.items() if not formula.names & set(assigned)]
        if not ready:
            raise SimulationError(f"the assignment rules of {', '.join(sorted(assigned))} depend on each other in a circle")
        draft.stimuli |= {called: assigned.pop(called) for called in ready}


def _rate_rule(draft: Draft, called: str, formula: Expression) -> None:
    own = safe(called)
    if own not in draft.pools:
        raise SimulationError(f"the rate rule of {called!r} has no counterpart; only species can follow one")
    draft.processes.append(Process(f"change_of_{own}", draft.pools[own].place, {}, {own: 1}, "<->", formula))


def read_reactions(draft: Draft) -> None:
    """Reactions with their kinetic laws, which are per time in SBML, as rates per volume or area and time.

    Raises SimulationError, by name, for a reaction without a law, with stoichiometry that is not whole, marked fast, or between places that
    no membrane joins.
    """
    for index in range(draft.model.getNumReactions()):
        each = draft.model.getReaction(index)
        called = each.getId()
        if each.isSetFast() and each.getFast():
            raise SimulationError(f"the reaction {called!r} is marked fast, which has no counterpart; give it a large rate")
        if each.getKineticLaw() is None or each.getKineticLaw().getMath() is None:
            raise SimulationError(f"the reaction {called!r} has no kinetic law")
        law = _math(draft, each.getKineticLaw(), f"the law of {called!r}")
        left = _side(draft, called, [each.getReactant(i) for i in range(each.getNumReactants())])
        right = _side(draft, called, [each.getProduct(i) for i in range(each.getNumProducts())])
        if not left and not right:
            draft.notes.append(f"The reaction {called} changes nothing that is not held, and is left out.")
            continue
        place = _place(draft, each, {*left, *right, *(law.names & set(draft.pools))})
        arrow = "<->" if each.getReversible() else "->"
        draft.processes.append(Process(safe(called), place, left, right, arrow, per_size(law, place.size_name)))


def _math(draft: Draft, holder: Any, whose: str) -> Expression:
    try:
        return to_formula(holder.getMath(), draft.symbol, draft.literal)
    except SimulationError as error:
        raise SimulationError(f"{whose}: {error}") from None
    except RecursionError:
        raise SimulationError(f"{whose} is nested too deeply") from None


def _side(draft: Draft, called: str, references: list[Any]) -> dict[str, int]:
    """Copies of each species that changes; held species are left out."""
    found: dict[str, int] = {}
    for reference in references:
        own, copies = safe(reference.getSpecies()), reference.getStoichiometry() if reference.isSetStoichiometry() else 1.0
        if reference.isSetStoichiometryMath() or draft.model.getRule(reference.getId() or "") is not None:
            raise SimulationError(f"the reaction {called!r} has a stoichiometry that is a formula, which has no counterpart")
        if not 1 <= copies <= 99 or copies != int(copies):
            raise SimulationError(
                f"the reaction {called!r} has {copies:g} copies of {own}; 1 to 99 are possible, multiply the reaction by a number"
            )
        source = draft.model.getSpecies(reference.getSpecies())
        if own in draft.pools and not source.getBoundaryCondition():
            found[own] = found.get(own, 0) + int(copies)
    return found


def _place(draft: Draft, reaction: Any, species: set[str]) -> Place:
    """The place of a reaction: that of its species, or the membrane among their places, or the one that SBML names."""
    places = {draft.pools[s].place.name: draft.pools[s].place for s in sorted(species)}
    membranes = [place for place in places.values() if not place.bulk]
    if len(places) == 1:
        return next(iter(places.values()))
    if not membranes and reaction.isSetCompartment() and not draft.places[reaction.getCompartment()].bulk:
        membranes = [draft.places[reaction.getCompartment()]]
    if len(membranes) != 1:
        raise SimulationError(
            f"the reaction {reaction.getId()!r} joins {', '.join(sorted(places))}, with {len(membranes)} membranes among them; put it at a "
            "compartment of two dimensions, by a species there or by the reaction's attribute `compartment`"
        )
    return membranes[0]


def used_names(draft: Draft) -> set[str]:
    """All names that formulas of the draft mention."""
    formulas = [*draft.stimuli.values(), *(process.rate for process in draft.processes)]
    return {n for formula in formulas for n in formula.names}


def add_sizes(draft: Draft) -> None:
    """Sizes of places become constants where a formula needs them. Raises SimulationError for one that is not given."""
    used = used_names(draft)
    for place in draft.places.values():
        if place.size_name in used:
            if place.size is None:
                raise SimulationError(f"the size of the compartment {place.name!r} stands in a formula but is not given")
            draft.constants[place.size_name] = Constant(place.size, place.unit, f"size of {place.name} in the imported model")


def needs(draft: Draft) -> list[tuple[Expression, str | None]]:
    """Formulas and a unit of the dimension each must have, None for any: what units can be inferred from."""
    found: list[tuple[Expression, str | None]] = [
        (Expression("-", (name(called), formula)), None) for called, formula in draft.stimuli.items()
    ]
    return found + [(process.rate, f"molecule/um^{3 if process.place.bulk else 2}/s") for process in draft.processes]
