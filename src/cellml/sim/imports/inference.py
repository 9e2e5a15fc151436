"""Dimensions of parameters whose units nobody gave, from the equations they stand in.

The dimension of a formula is a product of powers, so its exponents are sums of those of its names: each sum, each comparison and each rate
gives linear equations for the exponents that are not known. Of all solutions that one is taken in which numbers that stand in formulas
have as little dimension as possible, and then parameters; what no equation touches is dimensionless.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cellml.sim.expression import Expression

_EASE = 1e4  # how much rather a parameter takes a dimension than a number in a formula
BASES = ("[length]", "[substance]", "[time]")


@dataclass(frozen=True)
class Exponents:
    """fixed: exponents of BASES, (3,); of: how often the dimension of each unknown name enters."""

    fixed: tuple[float, ...] = (0.0, 0.0, 0.0)
    of: Mapping[str, float] = field(default_factory=dict)

    def plus(self, other: Exponents, times: float = 1.0) -> Exponents:
        """Exponents of a product (or, with times = −1, of a quotient)."""
        of = {name: self.of.get(name, 0.0) + times * other.of.get(name, 0.0) for name in {*self.of, *other.of}}
        return Exponents(tuple(a + times * b for a, b in zip(self.fixed, other.fixed, strict=True)), of)

    def scaled(self, by: float) -> Exponents:
        """Exponents of a power."""
        return Exponents().plus(self, by)


def exponents_of(dimension: Mapping[str, float]) -> Exponents:
    """A known dimension."""
    return Exponents(tuple(float(dimension.get(base, 0.0)) for base in BASES))


def infer(
    unknown: Sequence[str],
    known: Mapping[str, Exponents],
    needs: Sequence[tuple[Expression, Exponents | None]],
    reluctant: Collection[str] = (),
) -> dict[str, dict[str, float]]:
    """The dimensions of names.

    known: dimensions of all other names; needs: formulas, and the dimension each must have (None: any); reluctant: names that shall be
    plain numbers where they can.
    """
    if not unknown:
        return {}
    equations: list[Exponents] = []
    names = {**known, **{name: Exponents(of={name: 1.0}) for name in unknown}}
    for formula, needed in needs:
        found = _walk(formula, names, equations)
        if found is not None and needed is not None:
            equations.append(found.plus(needed, -1.0))
    matrix = np.array([[e.of.get(name, 0.0) for name in unknown] for e in equations] or [[0.0] * len(unknown)])
    right = -np.array([list(e.fixed) for e in equations] or [[0.0] * len(BASES)])
    ease = np.array([1.0 if name in reluctant else _EASE for name in unknown])
    solved = ease[:, None] * np.linalg.lstsq(matrix * ease, right, rcond=None)[0]
    return {name: dict(zip(BASES, np.round(row, 4) + 0.0, strict=True)) for name, row in zip(unknown, solved, strict=True)}


def _walk(formula: Expression, names: Mapping[str, Exponents], equations: list[Exponents]) -> Exponents | None:
    """The dimension of a formula (None: a zero, which has any); what it demands of its parts is added to the equations."""
    if formula.op == "number":
        return None if formula.value == 0.0 else Exponents()
    if formula.op == "name":
        return names[formula.name]
    inner = [_walk(a, names, equations) for a in formula.args]
    known = [d for d in inner if d is not None]
    match formula.op:
        case "*" | "/":
            if len(known) < len(inner):
                return None
            return known[0].plus(known[1], 1.0 if formula.op == "*" else -1.0)
        case "+" | "-" | "min" | "max" | "neg" | "abs":
            equations.extend(d.plus(known[0], -1.0) for d in known[1:])
            return known[0] if known else None
        case "sqrt":
            return known[0].scaled(0.5) if known else None
        case "**":
            exponent = formula.args[1]
            if known and not exponent.names:
                return known[0].scaled(float(exponent.evaluate({})))
            equations.extend(known)
            return Exponents()
        case "sign" | "step":
            return Exponents()
        case "hill":
            equations.append(known[1].plus(known[0], -1.0))
            equations.append(known[-1])
            return Exponents()
        case "pulse":
            equations.extend(d.plus(known[0], -1.0) for d in known[1:])
            return Exponents()
    equations.extend(known)
    return Exponents()
