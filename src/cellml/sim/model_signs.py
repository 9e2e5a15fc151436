"""Whether numbers of a model that cannot be negative are not."""

from __future__ import annotations

import numpy as np

from cellml.sim.expression import Expression
from cellml.sim.model import Model, Reaction
from cellml.sim.yaml_lines import KeyPath, LocatedDocument

SAMPLES = 64


def check_not_negative(model: Model, document: LocatedDocument, path: KeyPath, formula: Expression) -> None:
    """Raise SimulationError if a formula of parameters alone is negative or not finite."""
    values = model.values()
    if not formula.names <= set(values):
        return
    with np.errstate(all="ignore"):
        found = float(formula.evaluate(values))
    if not np.isfinite(found):
        raise document.error(path, f"`{formula}` is {found:g} with the values of the parameters; a finite number is needed")
    if found < 0:
        raise document.error(path, f"must not be negative, {_told(model, formula, found)}")


def _told(model: Model, formula: Expression, value: float) -> str:
    """The value as the file gives it, where the formula is one constant; else with the constants that made it."""
    given = {name: str(model.parameters[name].quantity) for name in sorted(formula.names)}
    if formula.op == "name":
        return f"found {given[formula.name]}"
    where = f" where {', '.join(f'{name} = {text}' for name, text in given.items())}" if given else ""
    return f"but `{formula}` is {value:g} in molecules, µm and s{where}"


def check_direction(model: Model, document: LocatedDocument, path: KeyPath, reaction: Reaction) -> None:
    """Raise SimulationError if a reaction that only goes forward has a rate that is negative wherever it is looked at.

    Species take random positive values around 1 µM or 1000 per µm², space and time random values of either sign and from 0 on.
    """
    random = np.random.default_rng(0)
    values: dict[str, object] = dict(model.values())
    for name, species in model.species.items():
        values[name] = (602.214 if species.bulk else 1000.0) * np.exp(random.normal(0.0, 2.0, SAMPLES))
    values |= {axis: random.normal(0.0, 1.0, SAMPLES) for axis in "xyz"} | {"t": random.exponential(1.0, SAMPLES)}
    values |= {name: random.choice(stimulus.values, SAMPLES) for name, stimulus in model.stimuli.items()}
    with np.errstate(all="ignore"):
        found = np.asarray(reaction.rate.evaluate(values), dtype=float)
    if (found < 0).all():
        raise document.error(path, f"the rate `{reaction.rate}` is negative: turn the reaction around, or write <-> for a net rate")
