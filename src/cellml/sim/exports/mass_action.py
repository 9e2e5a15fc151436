"""Rate constants of the law of mass action, for programs that know no other law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import Located
from cellml.sim.expression import Expression
from cellml.sim.model import Reaction


@dataclass(frozen=True)
class Step:
    """One direction of a reaction: rate = constant · Π reactants, in events per µm³ or µm² and s.

    name: of the reaction, with _back for the backward direction; reactants, products: copies by species; constant: in coherent units.
    """

    name: str
    place: str
    reactants: Mapping[str, int]
    products: Mapping[str, int]
    constant: float
    where: str

    @property
    def order(self) -> int:
        """Number of molecules that must meet."""
        return sum(self.reactants.values())


def steps_of(located: Located, target: str) -> list[Step]:
    """Every reaction of a model as steps of mass action; those with a constant of zero are left out.

    A `rate` formula counts too where it is a product of a constant and the reactants (`k*A*X` of A + X -> B). Raises SimulationError, with
    file and line, for any other rate, a constant that changes in time or space, and a negative one; target: the program, for messages.
    """
    return [step for reaction in located.model.reactions for step in _steps(located, reaction, target) if step.constant > 0]


def _steps(located: Located, reaction: Reaction, target: str) -> list[Step]:
    forward = reaction.forward if reaction.forward is not None else _constant_of(located, reaction, target)
    there = Step(
        reaction.name, reaction.place, reaction.reactants, reaction.products, _value(located, reaction, forward, target), reaction.where
    )
    if reaction.backward is None:
        return [there]
    back = _value(located, reaction, reaction.backward, target)
    return [there, Step(f"{reaction.name}_back", reaction.place, reaction.products, reaction.reactants, back, reaction.where)]


def _value(located: Located, reaction: Reaction, constant: Expression, target: str) -> float:
    if not located.is_number(constant):
        names = ", ".join(sorted(constant.names - set(located.values)))
        raise SimulationError(
            f"{reaction.where}: the rate constant `{constant}` of {reaction.name} changes with {names}; {target} needs constants. Replace "
            f"{names} by a number, or export to fenicsx."
        )
    value = located.number(constant)
    if not value >= 0:
        raise SimulationError(
            f"{reaction.where}: the rate constant `{constant}` of {reaction.name} is {value:g}; turn the reaction around."
        )
    return value


def _constant_of(located: Located, reaction: Reaction, target: str) -> Expression:
    """The constant of a rate formula that is a product of it and of the reactants."""
    factors: list[Expression] = []
    counts: dict[str, float] = {}
    if not _factorised(reaction.rate, factors, counts, set(located.model.species)) or counts != dict(reaction.reactants):
        raise SimulationError(
            f"{reaction.where}: the rate `{reaction.rate}` of {reaction.name} is not of mass action (a constant times its reactants), the "
            f"only law that {target} knows. Write the mechanism behind it as reactions with `forward` and `backward`, or export to fenicsx."
        )
    product = factors[0] if factors else Expression("number", value=1.0)
    for factor in factors[1:]:
        product = Expression("*", (product, factor))
    return product


def _factorised(rate: Expression, factors: list[Expression], counts: dict[str, float], species: set[str]) -> bool:
    """Sort the factors of a product into species (with their powers) and others; False if a species stands anywhere else."""
    if rate.op == "*":
        return all(_factorised(a, factors, counts, species) for a in rate.args)
    base, power = (rate.args[0], rate.args[1].value) if rate.op == "**" and rate.args[1].op == "number" else (rate, 1.0)
    if base.op == "name" and base.name in species:
        counts[base.name] = counts.get(base.name, 0.0) + power
        return True
    if rate.op == "/" and not rate.args[1].names & species:
        factors.append(Expression("/", (Expression("number", value=1.0), rate.args[1])))
        return _factorised(rate.args[0], factors, counts, species)
    factors.append(rate)
    return not rate.names & species
