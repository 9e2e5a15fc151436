"""How much the answers depend on what is assumed at faces where the image cuts the object."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cellml.sim.engine.courses import course_requests
from cellml.sim.errors import SimulationError
from cellml.sim.model import CUTS, Model
from cellml.sim.solve import Solution, solve_model

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class CutSensitivity:
    """Observables of time courses under each rule of CUTS.

    assumed: the model's own rule; units: by observable; values: by observable and rule, None where the rule gives no value; notes: why.
    """

    assumed: str
    units: Mapping[str, str]
    values: Mapping[str, Mapping[str, float | None]]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, solution: Solution, *, solver: str = "auto") -> CutSensitivity:
        """Solve the model of a solution again with the other rules; errors of discretisation are not estimated.

        Transport observables are left out: their ends are places of their own. Raises SimulationError as `require_courses` does.
        """
        model = solution.model
        names = require_courses(model)
        found, notes = {model.cut: solution}, []
        for rule in CUTS:
            if rule not in found:
                try:
                    found[rule] = solve_model(
                        solution.mesh, replace(model, cut=rule), places=solution.places, solver=solver, errors="never"
                    )
                except SimulationError as error:
                    notes.append(f"With cut: {rule} there is no answer: {error}")
        system = solution.dynamics.system if solution.dynamics is not None else None
        if system is not None and not len(system.places.cut_points()):
            notes.append("The mesh has no cut faces (cut_x0, …) that no membrane claims, so that all rules are the same here.")
        values = {n: {rule: _value(found[rule], n) if rule in found else None for rule in CUTS} for n in names}
        return cls(model.cut, {name: solution[name].unit for name in names}, values, tuple(notes))

    def change(self, name: str) -> float | None:
        """The largest difference from the value under the model's own rule, as a share of that value."""
        own = self.values[name][self.assumed]
        others = [v for v in self.values[name].values() if v is not None]
        if own is None or len(others) < 2:
            return None
        difference = max(abs(v - own) for v in others)
        return difference / abs(own) if own else (float("inf") if difference else 0.0)

    def write(self, path: Path) -> None:
        """A table of name, unit, the value under each rule, and the largest relative change."""
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(("name", "unit", *CUTS, "assumed", "largest_relative_change"))
            for name, by_rule in self.values.items():
                numbers = [*by_rule.values(), self.change(name)]
                row = ["" if v is None else repr(v) for v in numbers]
                table.writerow((name, self.units[name], *row[:-1], self.assumed, row[-1]))


def require_courses(model: Model) -> list[str]:
    """Names of the observables that are time courses. Raises SimulationError if there is none, for only these depend on cut faces."""
    names = [request.name for request in course_requests(model)]
    if not names:
        raise SimulationError(
            f"cut_sensitivity: {model.name} asks for no time course, and its other observables do not depend on the rule at cut faces; "
            "ask for one, such as {type: amount, of: SPECIES}, or leave cut_sensitivity out."
        )
    return names


def cut_table(found: CutSensitivity) -> Table:
    """The table for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from cellml.report.markup import unit_text

    caption = "\n".join(found.notes) or None
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="At cut faces, if these are", title_justify="left", caption=caption)
    table.add_column("observable", overflow="fold")
    for rule in CUTS:
        table.add_column(f"{rule} (assumed)" if rule == found.assumed else rule, justify="right")
    table.add_column("largest change", justify="right")
    table.add_column("unit")
    for name, by_rule in found.values.items():
        change = found.change(name)
        cells = ["–" if v is None else f"{v:.6g}" for v in by_rule.values()]
        table.add_row(name, *cells, "–" if change is None else f"{100 * change:.3g} %", unit_text(found.units[name]))
    return table


def _value(solution: Solution, name: str) -> float | None:
    observable = solution[name]
    return observable.value if observable.status == "ok" else None
