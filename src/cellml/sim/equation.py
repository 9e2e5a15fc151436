"""Reaction equations: "A + 2 B <-> C"."""

from __future__ import annotations

import re
from functools import reduce

from cellml.sim.derivative import plus, power, times
from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression, name, number

_TERM = re.compile(r"(?:(\d{1,2})\s*\*?\s*)?([A-Za-z_]\w*)", re.ASCII)
NOTHING = ("", "0", "∅")


def parse_equation(text: str) -> tuple[dict[str, int], dict[str, int], bool]:
    """Copies of each species on the left and on the right, and whether the arrow points both ways.

    Either side may be nothing (0 or ∅). Raises SimulationError for text that is no equation.
    """
    arrow = "<->" if "<->" in text else "->"
    sides = text.split(arrow)
    if len(sides) != 2:
        raise SimulationError(f"{text!r} is not an equation; write for example A + 2 B <-> C, or A -> 0")
    left, right = (_side(side, text) for side in sides)
    if not left and not right:
        raise SimulationError(f"{text!r} has nothing on both sides")
    return left, right, arrow == "<->"


def _side(side: str, whole: str) -> dict[str, int]:
    if side.strip() in NOTHING:
        return {}
    found: dict[str, int] = {}
    for term in side.split("+"):
        matched = _TERM.fullmatch(term.strip())
        if matched is None or int(matched[1] or 1) == 0:
            raise SimulationError(f"{term.strip()!r} in {whole!r} is not a species, or 1 to 99 copies of one")
        found[matched[2]] = found.get(matched[2], 0) + int(matched[1] or 1)
    return found


def mass_action(constant: Expression, species: dict[str, int]) -> Expression:
    """The rate k Π c_sⁿˢ (the law of mass action, Guldberg & Waage 1864)."""
    factors = (power(name(s), number(n)) for s, n in species.items())
    return reduce(times, factors, constant)


def net_rate(forward: Expression, left: dict[str, int], backward: Expression | None, right: dict[str, int]) -> Expression:
    """k_f Π reactants − k_b Π products."""
    there = mass_action(forward, left)
    if backward is None:
        return there
    return plus(there, Expression("neg", (mass_action(backward, right),)))
