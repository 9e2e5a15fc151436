"""The section `reactions`."""

from __future__ import annotations

from typing import Any

from cellml.sim.equation import net_rate, parse_equation
from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression
from cellml.sim.model import Reaction
from cellml.sim.reading import check_keys, symbol, text
from cellml.sim.sections.gathering import Gathering
from cellml.sim.yaml_lines import KeyPath


def read_reactions(have: Gathering) -> tuple[Reaction, ...]:
    """The section `reactions`: an equation at a place, with a `rate` formula or the constants of mass action."""
    found = [_reaction(have, ("reactions", index), item, index) for index, item in enumerate(have.listed("reactions"))]
    called = [reaction.name for reaction in found]
    for index, each in enumerate(called):
        if each in called[:index]:
            raise have.document.error(("reactions", index), f"a second reaction has the name {each!r}")
    return tuple(found)


def _reaction(have: Gathering, path: KeyPath, item: Any, index: int) -> Reaction:
    document = have.document
    check_keys(document, path, item, required=("equation",), optional=("name", "in", "on", "rate", "forward", "backward"))
    if ("in" in item) == ("on" in item):
        raise document.error(path, "a reaction needs a place: `in:` a compartment or `on:` a membrane, one of the two")
    try:
        left, right, both = parse_equation(text(document, (*path, "equation"), item["equation"]))
    except SimulationError as error:
        raise document.error((*path, "equation"), str(error)) from None
    where = "in" if "in" in item else "on"
    place = text(document, (*path, where), item[where])
    called = symbol(document, (*path, "name"), item.get("name", f"reaction_{index + 1}"))
    forward, backward, rate = _rates(have, path, item, called, both=both)
    if forward is not None:
        rate = net_rate(forward, left, backward, right)
    assert rate is not None
    return Reaction(called, place, rate, left, right, forward, backward, document.where(path))


def _rates(
    have: Gathering, path: KeyPath, item: Any, called: str, *, both: bool
) -> tuple[Expression | None, Expression | None, Expression | None]:
    """Constants of mass action, forward and backward, or a formula for the rate."""
    if ("rate" in item) == ("forward" in item):
        raise have.document.error(
            path, "a reaction needs either a `rate` formula or the rate constant `forward` (and `backward`) of mass action"
        )
    if "rate" in item:
        if "backward" in item:
            raise have.document.error((*path, "backward"), "a `rate` formula is the net rate; it needs no `backward`")
        return None, None, have.formula((*path, "rate"), item["rate"])
    if both != ("backward" in item):
        raise have.document.error(path, f"{item['equation']!r} {'needs' if both else 'does not go backward, so it has no'} `backward`")
    forward = have.value((*path, "forward"), item["forward"], "", f"{called}_forward")
    backward = have.value((*path, "backward"), item["backward"], "", f"{called}_backward") if both else None
    return forward, backward, None
