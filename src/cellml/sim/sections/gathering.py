"""What the sections of a model file share while it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression, name, not_too_deep, parse
from cellml.sim.model import Parameter
from cellml.sim.reading import quantity
from cellml.sim.yaml_lines import KeyPath, LocatedDocument


@dataclass
class Gathering:
    """What has been read so far; numbers that are written in place become parameters here.

    formulas: stimuli that are given by a formula; they are put in place of their names.
    """

    document: LocatedDocument
    parameters: dict[str, Parameter] = field(default_factory=dict)
    formulas: dict[str, Expression] = field(default_factory=dict)

    def section(self, key: str) -> dict[str, Any]:
        """A section of `name: entry` lines; empty if the file has none."""
        found = self.document.content.get(key)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise self.document.error((key,), f"`name: entry` lines are needed here, found {found!r}")
        return found

    def listed(self, key: str) -> list[Any]:
        """A section that is a list of entries; empty if the file has none."""
        found = self.document.content.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            raise self.document.error((key,), f"a list of entries (`- …`) is needed here, found {found!r}")
        return found

    def formula(self, path: KeyPath, item: Any) -> Expression:
        """A formula, with stimuli that are formulas themselves put in."""
        try:
            return not_too_deep(substituted(parse(item), self.formulas))
        except SimulationError as error:
            raise self.document.error(path, str(error)) from None

    def value(self, path: KeyPath, item: Any, example: str, called: str) -> Expression:
        """A quantity in place (a parameter of the name `called`), a formula, or a bare 0."""
        if isinstance(item, Mapping):
            if called in self.parameters:
                raise self.document.error(
                    path, f"the name {called!r}, which this number needs, is a parameter already; write the parameter here"
                )
            found = quantity(self.document, path, item, example)
            self.parameters[called] = Parameter(called, found, where=self.document.where(path))
            return name(called)
        if isinstance(item, (int, float)) and not isinstance(item, bool) and item != 0:
            unit = example or "1/s"
            raise self.document.error(path, f"a value with a unit is needed, such as {{value: {item}, unit: {unit}}}, found {item!r}")
        return self.formula(path, item)


def substituted(formula: Expression, by: Mapping[str, Expression]) -> Expression:
    """A formula with other formulas in place of some names."""
    if formula.op == "name":
        return by.get(formula.name, formula)
    return Expression(formula.op, tuple(substituted(a, by) for a in formula.args), formula.value)
