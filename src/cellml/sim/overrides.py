"""A model with parts replaced from the command line: places, values of parameters, the rule at cut faces, the time course."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.model import CUTS, DIFFUSION_TIME, Compartment, Membrane, Model, Parameter
from cellml.sim.outer_membrane import facet_sets_of
from cellml.sim.quantities import Quantity
from cellml.sim.reading import nearest

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*", re.DOTALL)
_SOURCE = "given on the command line"


def overridden(
    model: Model,
    *,
    places: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    cut: str | None = None,
    end: str | None = None,
    steps: int | None = None,
) -> Model:
    """The model with what is given replaced; None leaves it as it is.

    places: regions for a compartment, facet sets for a membrane or for a facet set that the model names (in `to`, `on`, `at` or a
    membrane), one name or a list, by the name in the model; parameters: texts of a value and a unit, such as "2 1/(uM*s)"; cut: one of
    CUTS; end: a text such as "20 ms" or "0.1 diffusion_time"; steps: number of equal steps.
    Raises SimulationError, naming what there is, for an unknown name, a missing unit or one of the wrong dimension, and a value that the
    model does not allow.
    """
    if cut is not None and cut not in CUTS:
        raise SimulationError(f"cut={cut}: this is not a way to treat faces where the image cuts the object; there are {', '.join(CUTS)}.")
    if parameters:
        model = _with_parameters(model, parameters)
    if places:
        model = _with_places(model, places)
    if end is not None or steps is not None:
        model = _with_time(model, end, steps)
    return model if cut is None else replace(model, cut=cut)


def parse_quantity(text: Any, what: str) -> Quantity:
    """A quantity from a text such as "2 1/(uM*s)"; a bare number has no dimension. Raises SimulationError, opening with `what`."""
    found = _QUANTITY.fullmatch(str(text))
    if found is None or isinstance(text, bool):
        raise SimulationError(f"{what}: a value with its unit is needed, such as '2 1/(uM*s)', found {text!r}.")
    quantity = Quantity(float(found[1]), found[2] or "dimensionless", _SOURCE)
    if not math.isfinite(quantity.value):
        raise SimulationError(f"{what}: {text} is larger than numbers can be here (1e308).")
    return quantity


def _with_parameters(model: Model, given: Mapping[str, Any]) -> Model:
    changed = dict(model.parameters)
    for name, text in given.items():
        what = f"parameters={{{name}: {text}}}"
        if name not in changed:
            there = ", ".join(f"{n} ({p.quantity.unit})" for n, p in changed.items()) or "none"
            raise SimulationError(f"{what}: {model.name} has no parameter {name!r}{nearest(name, changed)}; it has {there}.")
        changed[name] = _changed(changed[name], parse_quantity(text, what), what)
    new = replace(model, parameters=changed)
    _check_signs(model, new, ", ".join(f"{name} = {text}" for name, text in given.items()))
    return new


def _changed(old: Parameter, quantity: Quantity, what: str) -> Parameter:
    try:
        quantity.to(old.quantity.unit)
        base = quantity.base
    except SimulationError as error:
        raise SimulationError(f"{what}: {error}.") from None
    if not math.isfinite(base) or (base == 0.0) != (quantity.value == 0.0):
        raise SimulationError(f"{what}: this is {base:g} in µm, s, molecules, mg and K, out of the range of numbers.")
    if quantity.value < 0 and quantity.dimension.get("[time]", 0) == -1:
        raise SimulationError(f"{what}: this is a negative rate; turn the reaction around.")
    if old.bounds is not None and not old.bounds[0] <= base <= old.bounds[1]:
        raise SimulationError(f"{what}: this lies outside of the bounds at {old.where}.")
    return replace(old, quantity=quantity)


def _check_signs(old: Model, new: Model, given: str) -> None:
    """What the model file keeps from being negative stays so: initial amounts, releases and held concentrations."""
    formulas = {f"{name}: initial": species.initial for name, species in new.species.items()}
    formulas |= {f"{release.where}: release of {release.species}": release.amount for release in new.releases}
    formulas |= {f"{fixed.where}: value of {fixed.species} on {fixed.on}": fixed.value for fixed in new.fixed}
    values = new.values()
    for what, formula in formulas.items():
        if formula.names <= set(values) and formula.evaluate(values) < 0 <= formula.evaluate(old.values()):
            raise SimulationError(f"{what} becomes negative, {formula.evaluate(values):g} in molecules and µm, with the given {given}.")


def _with_places(model: Model, given: Mapping[str, Any]) -> Model:
    compartments, membranes = dict(model.compartments), dict(model.membranes)
    direct = sorted(facet_sets_of(model) - set(membranes))
    for name, value in given.items():
        what = f"places={{{name}: {value}}}"
        names = tuple(str(each) for each in (value if isinstance(value, list | tuple) else [value]))
        if not names or not all(names):
            raise SimulationError(f"{what}: the name of a region or a set of facets is needed, or a list of them.")
        if name in compartments:
            compartments[name] = Compartment(name, names, what)
        elif name in membranes:
            membranes[name] = Membrane(name, names, what)
        elif name in direct:
            membranes |= {m.name: _exchanged(m, name, names, what) for m in membranes.values()}
            membranes[name] = Membrane(name, names, what)
        else:
            there = [*compartments, *membranes, *direct]
            raise SimulationError(f"{what}: {model.name} has no place {name!r}{nearest(name, there)}; it has {', '.join(there)}.")
    _check_disjoint(compartments)
    return replace(model, compartments=compartments, membranes=membranes)


def _exchanged(membrane: Membrane, old: str, new: tuple[str, ...], what: str) -> Membrane:
    """A membrane with facet sets in the place of one that it lists; itself where it does not."""
    if old not in membrane.facets:
        return membrane
    facets = [each for name in membrane.facets for each in (new if name == old else (name,))]
    return Membrane(membrane.name, tuple(dict.fromkeys(facets)), what)


def _check_disjoint(compartments: Mapping[str, Compartment]) -> None:
    holder: dict[str, Compartment] = {}
    for compartment in compartments.values():
        for region in compartment.regions:
            if region in holder:
                where = compartment.where if compartment.where.startswith("places") else holder[region].where
                raise SimulationError(
                    f"{where}: the region {region!r} is taken for {holder[region].name} and {compartment.name}; each needs its own."
                )
            holder[region] = compartment


def _with_time(model: Model, end: str | None, steps: int | None) -> Model:
    if model.time is None:
        raise SimulationError(f"{model.name} is not followed in time, so that end= and steps= say nothing; give it a section `time:`.")
    time = model.time
    if end is not None:
        quantity = parse_quantity(end, f"end={end}")
        if quantity.unit != DIFFUSION_TIME:
            try:
                quantity.to("s")
            except SimulationError as error:
                raise SimulationError(f"end={end}: {error}; or {DIFFUSION_TIME}, which is L²/D of the shape.") from None
        if not quantity.value > 0:
            raise SimulationError(f"end={end}: the end must come after the beginning.")
        time = replace(time, end=quantity)
    if steps is not None:
        if not 1 <= steps <= 100_000_000:
            raise SimulationError(f"steps={steps}: between 1 and 100,000,000 steps can be followed.")
        time = replace(time, steps=steps, tolerance=None)
    return replace(model, time=time)
