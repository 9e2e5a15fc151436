"""Learned laws as files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from cellml.sim.constitutive.learned import LearnedLaw
from cellml.sim.estimation.fit import Fit
from cellml.sim.overrides import parse_quantity
from cellml.sim.quantities import from_base

LAWS, INSERT = "laws.csv", "laws.yaml"
LAW_FILES = (LAWS, INSERT)


def write_laws(fit: Fit, laws: Sequence[LearnedLaw], folder: Path) -> None:
    """Write learned laws into a folder.

    laws.csv     reaction, concentration, its unit, rate, low and high end of the 90 % interval, their unit, and whether the fitted
                 solution visited the concentration (yes, no); where it did not, the interval is what monotony and prior leave
    laws.yaml    the parameters and the rate of each law, as they stand in a model file
    """
    with (folder / LAWS).open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(("reaction", "concentration", "unit", "rate", "low_90", "high_90", "unit_of_rate", "visited"))
        for one in laws:
            top, scale = parse_quantity(one.law.top, "top").unit, parse_quantity(one.law.scale, "scale").unit
            by_unit = from_base(1.0, scale)
            for c, seen, *rates in zip(one.concentrations, one.seen, one.rate, one.low, one.high, strict=True):
                cells = [repr(float(c) * from_base(1.0, top)), top, *(repr(float(r) * by_unit) for r in rates), scale]
                table.writerow([one.reaction, *cells, "yes" if seen else "no"])
    lines = ["# Parameters and rates of learned laws, for the sections `parameters:` and `reactions:` of a model file.", "parameters:"]
    values = {**fit.problem.model.values(), **fit.values}
    for one in laws:
        for name, parameter in one.law.parameters(one.reaction).items():
            unit = parameter.quantity.unit
            lines.append(f"  {name}: {{value: {values[name] * from_base(1.0, unit)!r}, unit: {unit}}}")
    lines.append("rates:")
    lines += [f'  {one.reaction}: "{one.law.formula(one.reaction)}"' for one in laws]
    (folder / INSERT).write_text("\n".join(lines) + "\n", encoding="utf-8")
