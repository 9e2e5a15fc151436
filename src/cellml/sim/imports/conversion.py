"""From an SBML document to the text of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.expression import number
from cellml.sim.imports.contents import read_parameters, read_places, read_species
from cellml.sim.imports.doubts import assumptions, implausible
from cellml.sim.imports.draft import Draft
from cellml.sim.imports.inference import exponents_of, infer
from cellml.sim.imports.processes import add_sizes, needs, read_reactions, read_rules
from cellml.sim.imports.reversal import join_reverses
from cellml.sim.imports.text import model_text
from cellml.sim.imports.units import model_units
from cellml.sim.model_file import parse_model
from cellml.sim.quantities import dimension_of
from cellml.sim.sections.gathering import substituted


@dataclass(frozen=True)
class Conversion:
    """text: a model file; draft: what it holds, with notes about what was assumed, left out, or looks wrong."""

    text: str
    draft: Draft


def convert(document: Any, path: Path, *, assumed: Mapping[str, str] | None = None) -> Conversion:
    """A model file for an `SBMLDocument` as `cellml.sim.imports.reading.read_document` gives it.

    path: of the source, for messages and comments; assumed: units for what the model leaves open ("substance", "volume", "area", "length",
    "time"), by default those of SBML level 2; None refuses a model that leaves units open.

    Raises SimulationError, naming the element and the remedy, for what has no counterpart and for a result that does not hold together.
    """
    try:
        draft = gather(document.getModel(), assumed)
    except SimulationError as error:
        raise SimulationError(f"{path}: {str(error).rstrip('.')}.") from None
    text = model_text(draft, path)
    try:
        parse_model(text, path.with_suffix(".yaml"))
    except SimulationError as error:
        raise SimulationError(f"{path}: its formulas do not hold together as a model file: {error}") from None
    return Conversion(text, draft)


def gather(model: Any, assumed: Mapping[str, str] | None) -> Draft:
    """All parts of an SBML model. Raises SimulationError without the name of the file."""
    units = model_units(model, assumed)
    draft = Draft(model, units, assuming=assumed is not None)
    read_places(draft)
    read_parameters(draft)
    read_species(draft)
    read_rules(draft)
    read_reactions(draft)
    add_sizes(draft)
    if not draft.pools:
        raise SimulationError("the model has no species that changes")
    _complete_units(draft)
    join_reverses(draft)
    draft.notes = [*assumptions(draft), *draft.notes, *implausible(draft)]
    return draft


def _complete_units(draft: Draft) -> None:
    """Give constants without a unit one of the dimension that the equations ask for; numbers that need none return to their formulas."""
    unknown = [called for called, constant in draft.constants.items() if constant.unit is None]
    if unknown and not draft.assuming:
        raise SimulationError(f"the parameter {unknown[0]!r} has no unit; add it there, or convert with assume_units=true")
    known = {called: exponents_of(dimension_of(c.unit.text)) for called, c in draft.constants.items() if c.unit is not None}
    known |= {called: exponents_of(dimension_of(pool.unit.text)) for called, pool in draft.pools.items()}
    known |= {"t": exponents_of({"[time]": 1.0})}
    formulas = [(formula, exponents_of(dimension_of(unit)) if unit else None) for formula, unit in needs(draft)]
    found = infer([*unknown, *draft.stimuli], known, formulas, reluctant=draft.literals)
    plain = {}
    for called in unknown:
        if called in draft.literals and not any(found[called].values()):
            plain[called] = number(draft.constants.pop(called).value)
        else:
            draft.constants[called] = replace(draft.constants[called], unit=draft.units.of_dimension(found[called]))
            draft.assumed.setdefault("parameters", []).append(called)
    draft.stimuli = {called: substituted(formula, plain) for called, formula in draft.stimuli.items()}
    draft.processes = [replace(process, rate=substituted(process.rate, plain)) for process in draft.processes]
