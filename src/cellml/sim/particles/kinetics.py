"""Reactions of a model as elementary events of single molecules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.sim.derivative import ZERO, derivative, negative
from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression
from cellml.sim.model import Model, Reaction

_CONCENTRATIONS = "solve it with concentrations (leave `method` out)"


@dataclass(frozen=True)
class Channel:
    """One direction of a reaction, by the law of mass action: constant · Π [reactant]^copies events per volume or area and time.

    name: of the reaction; place: its compartment or membrane; constant: a formula of parameters, stimuli, t, x, y, z; reactants, products:
    copies by species; where: file and line.
    """

    name: str
    place: str
    constant: Expression
    reactants: Mapping[str, int]
    products: Mapping[str, int]
    where: str = ""

    @property
    def order(self) -> int:
        """How many molecules take part."""
        return sum(self.reactants.values())

    @property
    def changes(self) -> dict[str, int]:
        """Copies of each species that an event adds."""
        names = dict.fromkeys([*self.reactants, *self.products])
        return {n: self.products.get(n, 0) - self.reactants.get(n, 0) for n in names}

    def at(self, values: Mapping[str, Any], count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The constant at `count` points whose x, y, z stand in `values`; SimulationError, with file and line, if one is negative."""
        found = np.broadcast_to(np.asarray(self.constant.evaluate(values), dtype=float), (count,))
        if count and not found.min() >= 0:
            raise SimulationError(
                f"{self.where}: the rate of {self.name!r} is {found.min():g} (µm, s, molecules) at t = {values.get('t', 0.0):g} s; nothing "
                f"can react less often than never. Write the reaction with `forward` and `backward`, or {_CONCENTRATIONS}."
            )
        return found


def channels(model: Model) -> tuple[Channel, ...]:
    """All reactions of a model, each direction by itself.

    A `rate` formula will do if it is linear in the species: a sum of sources and of terms of one molecule each, as P*(outside - inside).
    Raises SimulationError, opening with file and line, for any other rate that is not given by the law of mass action.
    """
    return tuple(channel for reaction in model.reactions for channel in _directions(model, reaction))


def _directions(model: Model, reaction: Reaction) -> Iterator[Channel]:
    if reaction.forward is None:
        yield from _linear_terms(model, reaction)
        return
    sides = reaction.reactants, reaction.products
    for constant, (left, right) in ((reaction.forward, sides), (reaction.backward, sides[::-1])):
        if constant is None:
            continue
        if constant.names & set(model.species):
            raise _refused(reaction, f"its rate constant `{constant}` depends on species")
        yield Channel(reaction.name, reaction.place, constant, dict(left), dict(right), reaction.where)


def _linear_terms(model: Model, reaction: Reaction) -> Iterator[Channel]:
    rate, changes = reaction.rate, reaction.changes
    named = [name for name in model.species if name in rate.names]
    slopes = {name: derivative(rate, name) for name in named}
    values = {**model.values(), **dict.fromkeys("txyz", 0.0), **dict.fromkeys(model.stimuli, 0.0)}
    for name, slope in slopes.items():
        if slope.names & set(named):
            raise _refused(reaction, f"`{rate}` is not proportional to {name}")
        backward = float(slope.evaluate(values)) < 0
        products = {n: (n == name) + (-1 if backward else 1) * changes.get(n, 0) for n in {name: 0, **changes}}
        if min(products.values()) < 0:
            raise _refused(reaction, f"`{rate}` does not vanish where what it uses up is gone")
        yield Channel(reaction.name, reaction.place, negative(slope) if backward else slope, {name: 1}, _some(products), reaction.where)
    source = _at_zero(rate, named)
    if source != ZERO and not _vanishes(source, values):
        if min(changes.values(), default=0) < 0:
            raise _refused(reaction, f"`{rate}` does not vanish where what it uses up is gone")
        yield Channel(reaction.name, reaction.place, source, {}, _some(changes), reaction.where)


def _some(copies: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in copies.items() if count}


def _at_zero(rate: Expression, species: list[str]) -> Expression:
    """The rate with 0 for the species."""
    if rate.op == "name":
        return ZERO if rate.name in species else rate
    return Expression(rate.op, tuple(_at_zero(a, species) for a in rate.args), rate.value)


def _vanishes(source: Expression, values: Mapping[str, float]) -> bool:
    """Whether it is 0 whatever the names in it are: tried with three sets of numbers, as no formula of a model vanishes by accident."""
    generator = np.random.default_rng(0)
    trials = [{name: value * (1.0 + generator.random()) + generator.random() for name, value in values.items()} for _ in range(3)]
    with np.errstate(all="ignore"):
        return all(float(source.evaluate(trial)) == 0.0 for trial in trials)


def _refused(reaction: Reaction, why: str) -> SimulationError:
    return SimulationError(
        f"{reaction.where}: single molecules react by the law of mass action, but of {reaction.name!r} {why}. "
        f"Write it as elementary reactions with `forward` and `backward`, or {_CONCENTRATIONS}."
    )
