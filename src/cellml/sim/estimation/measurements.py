"""Measured time courses that a model is compared with."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.sim.engine.courses import course_requests, unit_of
from cellml.sim.errors import SimulationError
from cellml.sim.model import Model
from cellml.sim.quantities import Quantity

Vector = NDArray[np.float64]
_HEADING = re.compile(r"(.+?)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*")


@dataclass(frozen=True, eq=False)
class Measurement:
    """One measured course: times (n,) in s, values and standard deviations (n,) in coherent units; observable: its name in the model."""

    observable: str
    times: Vector
    values: Vector
    sd: Vector

    def __post_init__(self) -> None:
        if not (len(self.times) == len(self.values) == len(self.sd)) or not len(self.times):
            raise SimulationError(f"The measurements of {self.observable} need as many times, values and deviations, and at least one.")
        if not (np.isfinite(self.values).all() and np.isfinite(self.times).all()):
            raise SimulationError(f"The measurements of {self.observable} hold values that are no numbers.")
        if not (self.sd > 0).all():
            raise SimulationError(f"Every standard deviation of {self.observable} must be positive; the least is {self.sd.min():g}.")


def read_measurements(path: str | Path, model: Model) -> tuple[Measurement, ...]:
    """Read a CSV file with a column `time (s)` and, for each measured observable, `NAME (unit)` and `sd of NAME (unit)`.

    Empty cells are values that were not measured. Raises FileError for a file that cannot be read, and SimulationError, naming file, column
    or line, for a column that is no observable of the model, a unit of another dimension, a missing deviation and what is no number.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"The measurements {path} cannot be read: {error}.") from None
    if len(rows) < 2:
        raise SimulationError(f"{path} holds no measurements: a heading and at least one line are needed.")
    columns = {}
    for number, heading in enumerate(rows[0]):
        matched = _HEADING.fullmatch(heading.strip())
        if matched is None:
            raise SimulationError(f"{path}: the heading {heading!r} needs a unit in brackets, such as `time (s)` or `sd of A (uM)`.")
        columns[matched[1]] = (_numbers(path, rows[1:], number, heading), matched[2])
    if "time" not in columns:
        raise SimulationError(f"{path} has no column `time (s)`; it has {', '.join(rows[0])}.")
    times = columns["time"][0] * _factor(path, "time", columns["time"][1], "s")
    return tuple(_measurement(path, model, name, times, columns) for name in columns if name != "time" and not name.startswith("sd of "))


def _measurement(path: str | Path, model: Model, name: str, times: Vector, columns: dict[str, tuple[Vector, str]]) -> Measurement:
    requests = {request.name: request for request in course_requests(model)}
    if name not in requests:
        raise SimulationError(
            f"{path}: {name!r} is no time course of the model {model.name!r}; it observes {', '.join(requests) or 'none'}."
        )
    if f"sd of {name}" not in columns:
        raise SimulationError(f"{path}: the column `sd of {name}` is missing: the standard deviation of the measurements.")
    usual = unit_of(model, requests[name])
    values, deviations = (
        columns[key][0] * _factor(path, key, columns[key][1], usual) * Quantity(1.0, usual).base for key in (name, f"sd of {name}")
    )
    present = np.isfinite(values)
    return Measurement(name, times[present], values[present], deviations[present])


def _numbers(path: str | Path, rows: list[list[str]], column: int, heading: str) -> Vector:
    found = []
    for line, row in enumerate(rows, start=2):
        cell = row[column].strip() if column < len(row) else ""
        try:
            found.append(float(cell) if cell else np.nan)
        except ValueError:
            raise SimulationError(f"{path}:{line}: {cell!r} under {heading!r} is not a number.") from None
    return np.array(found)


def _factor(path: str | Path, column: str, unit: str, to: str) -> float:
    try:
        return Quantity(1.0, unit).to(to)
    except SimulationError as error:
        raise SimulationError(f"{path}: column {column!r}: {error}.") from None
