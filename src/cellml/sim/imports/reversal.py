"""Pairs of reactions that are each other's reverse, as one reversible reaction where that is exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from cellml.sim.expression import Expression
from cellml.sim.imports.draft import Draft, Process


def join_reverses(draft: Draft) -> None:
    """Two reactions whose sides are exchanged, both a constant times the product of their reactants, become one; a note says so.

    Others that are each other's reverse stay two, with a note. Making and breaking down (an empty side) are two things, and stay so.
    """
    rest, kept = list(draft.processes), []
    while rest:
        first = rest.pop(0)
        others = [each for each in rest if _reverse(first, each)]
        forward = mass_action(first, draft.constants)
        exact = [(each, k) for each in others if forward and (k := mass_action(each, draft.constants))]
        if exact:
            second, backward = exact[0]
            rest = [each for each in rest if each is not second]
            rate = Expression("-", (first.rate, second.rate))
            draft.notes.append(f"{first.name} and {second.name} are each other's reverse, and one reversible reaction here, {first.name}.")
            first = replace(first, arrow="<->", rate=rate, forward=str(forward), backward=backward)
        elif others:
            both = f"{first.name} and {others[0].name}"
            draft.notes.append(f"{both} are each other's reverse; they stay two reactions, since not both are of mass action.")
        kept.append(first)
    draft.processes = kept


def mass_action(process: Process, constants: Collection[str]) -> str | None:
    """The rate constant k of a rate that is exactly k · Π reactants; None for any other rate."""
    factors = _factors(process.rate)
    if factors is None:
        return None
    rest = factors - Counter(process.left)
    exact = rest.total() == 1 and factors.total() == 1 + sum(process.left.values())
    k = next(iter(rest), "")
    return k if exact and k in constants else None


def _reverse(one: Process, other: Process) -> bool:
    return bool(one.left and one.right) and (one.left, one.right, one.place) == (other.right, other.left, other.place)


def _factors(formula: Expression) -> Counter[str] | None:
    """How often each name is a factor of a product; None for what is no product of names and their whole powers."""
    if formula.op == "name":
        return Counter({formula.name: 1})
    if formula.op == "*":
        left, right = (_factors(a) for a in formula.args)
        return left + right if left is not None and right is not None else None
    if formula.op == "**" and formula.args[1].op == "number" and formula.args[1].value in range(1, 10):
        base = _factors(formula.args[0])
        return None if base is None else Counter({name: count * int(formula.args[1].value) for name, count in base.items()})
    return None
