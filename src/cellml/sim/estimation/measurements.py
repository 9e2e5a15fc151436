"""Measured time courses that a model is compared with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.io.csv_table import csv_lines
from cellml.sim.engine.courses import course_requests, unit_of
from cellml.sim.errors import SimulationError
from cellml.sim.model import Model
from cellml.sim.quantities import Quantity

Vector = NDArray[np.float64]
_HEADING = re.compile(r"(.+?)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*")


# What Python takes for numbers, but nobody measured.
_NO_NUMBER = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Measurement:
    """One measured course: times (n,) in s, values and standard deviations (n,) in coherent units; observable: its name in the model;
    empty: how many cells of its column were left empty in the file.
    """

    observable: str
    times: Vector
    values: Vector
    sd: Vector
    empty: int = 0

    def __post_init__(self) -> None:
        if not (len(self.times) == len(self.values) == len(self.sd)) or not len(self.times):
            raise SimulationError(f"The measurements of {self.observable} need as many times, values and deviations, and at least one.")
        if not (np.isfinite(self.values).all() and np.isfinite(self.times).all()):
            raise SimulationError(f"The measurements of {self.observable} hold values that are no numbers.")
        if (self.times < 0).any():
            raise SimulationError(f"{self.observable} is measured at {self.times.min():g} s, but the model begins at 0 s; shift the times.")
        if not (self.sd > 0).all():
            raise SimulationError(f"Every standard deviation of {self.observable} must be positive; the least is {self.sd.min():g}.")


@dataclass(frozen=True, eq=False)
class _Column:
    """Numbers (n,) of one column, NaN where its cell is empty, and their unit."""

    numbers: Vector
    unit: str


def read_measurements(path: str | Path, model: Model) -> tuple[Measurement, ...]:
    """Read a CSV file with a column `time (s)` and, for each measured observable, `NAME (unit)` and `sd of NAME (unit)`.

    Empty cells are values that were not measured; a time may occur more than once. Raises FileError for a file that cannot be read, and
    SimulationError, naming file, column or line, for a column that is no observable of the model or stands there twice, a unit of another
    dimension, a missing deviation, a time before 0, more cells than headings, and what is no number, `nan` and `inf` included.
    """
    heading, rows = _rows(path)
    columns: dict[str, _Column] = {}
    for number, title in enumerate(heading):
        matched = _HEADING.fullmatch(title.strip())
        if matched is None:
            raise SimulationError(f"{path}: the heading {title!r} needs a unit in brackets, such as `time (s)` or `sd of A (uM)`.")
        if matched[1] in columns:
            raise SimulationError(f"{path}: there are two columns {matched[1]!r}; put all times of one observable in one column.")
        columns[matched[1]] = _Column(_numbers(path, rows, number, title), matched[2])
    if "time" not in columns:
        raise SimulationError(f"{path} has no column `time (s)`; it has {', '.join(heading)}.")
    times = columns["time"].numbers * _factor(path, "time", columns["time"].unit, "s")
    for (line, _), t in zip(rows, times, strict=True):
        if not t >= 0:
            raise SimulationError(
                f"{path}:{line}: " + ("the time is empty." if np.isnan(t) else f"the time {t:g} s is before 0, where the model begins.")
            )
    names = [name for name in columns if name != "time" and not name.startswith("sd of ")]
    return tuple(_measurement(path, model, name, times, columns, [line for line, _ in rows]) for name in names)


def _rows(path: str | Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The heading, and every other line that is not empty, with its number in the file."""
    names, lines = csv_lines(path, what="table of measurements")
    heading, rows = list(names), [(line, row) for line, row in lines if any(cell.strip() for cell in row)]
    if not rows:
        raise SimulationError(f"{path} holds no measurements: a heading and at least one line are needed.")
    for line, row in rows:
        if len(row) > len(heading) and any(cell.strip() for cell in row[len(heading) :]):
            raise SimulationError(f"{path}:{line}: {len(row)} cells under {len(heading)} headings; write numbers without thousands commas.")
    return heading, rows


def _measurement(path: str | Path, model: Model, name: str, times: Vector, columns: dict[str, _Column], lines: list[int]) -> Measurement:
    requests = {request.name: request for request in course_requests(model)}
    if name not in requests:
        raise SimulationError(
            f"{path}: {name!r} is no time course of the model {model.name!r}; it observes {', '.join(requests) or 'none'}."
        )
    if f"sd of {name}" not in columns:
        raise SimulationError(f"{path}: the column `sd of {name}` is missing: the standard deviation of the measurements.")
    usual = unit_of(model, requests[name])
    values, deviations = (
        columns[key].numbers * _factor(path, key, columns[key].unit, usual) * Quantity(1.0, usual).base for key in (name, f"sd of {name}")
    )
    present = ~np.isnan(values)
    for line, measured, deviation in zip(lines, present, deviations, strict=True):
        if measured and np.isnan(deviation):
            raise SimulationError(f"{path}:{line}: {name} is measured, but its deviation under `sd of {name}` is empty.")
    return Measurement(name, times[present], values[present], deviations[present], int((~present).sum()))


def _numbers(path: str | Path, rows: list[tuple[int, list[str]]], column: int, heading: str) -> Vector:
    found = []
    for line, row in rows:
        cell = row[column].strip() if column < len(row) else ""
        if _NO_NUMBER.fullmatch(cell):
            raise SimulationError(f"{path}:{line}: {cell!r} under {heading!r} is no number; leave the cell empty if it was not measured.")
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
