"""Time courses: what is measured at every step, and how a course becomes one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from cellml.sim.domain import UM_PER_NM
from cellml.sim.engine.release import barycentric
from cellml.sim.engine.system import System, Vector
from cellml.sim.errors import SimulationError
from cellml.sim.model import Model, ObservableRequest
from cellml.sim.observable_types import BULK_UNIT, SURFACE_UNIT, TYPES
from cellml.sim.quantities import Quantity, from_base

# Observables that see the molecules released at time 0 wherever these are.
_TOTALS = ("amount", "mean")

Measure = Callable[[float, Vector], float]


@dataclass(frozen=True, eq=False)
class Course:
    """A quantity in time. times: (S,) in s; values: (S,) in `unit`."""

    name: str
    times: Vector
    values: Vector
    unit: str


@dataclass(eq=False)
class Recorder:
    """Measures all course observables of a model, and the amount of every species, at each step.

    load: molecules released at time 0 by test function, (N,); amounts and means at time 0 hold them, while fields begin to with the first
    step. lowest: the lowest concentration of each species so far and its time in s; largest: the largest magnitude of each.
    """

    system: System
    values: Mapping[str, float]
    load: Vector | None = None
    times: list[float] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    lowest: dict[str, tuple[float, float]] = field(default_factory=dict)
    largest: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.requests = course_requests(self.system.model)
        self._measures = [measure_of(self.system, request, self.values) for request in self.requests]

    def __call__(self, t: float, y: Vector) -> None:
        """Measure a state."""
        held = y if self.load is None or t > 0 else y + self.load / self.system.weights
        measured = [
            measure(t, held if request.type in _TOTALS else y) for request, measure in zip(self.requests, self._measures, strict=True)
        ]
        self.times.append(t)
        self.rows.append([*measured, *self.system.amounts(held).values()])
        for name, part in self.system.slices.items():
            low, high = float(y[part].min()), float(y[part].max())
            self.lowest[name] = min(self.lowest.get(name, (low, t)), (low, t))
            self.largest[name] = max(self.largest.get(name, 0.0), high, -low)

    def courses(self) -> dict[str, Course]:
        """A course for each observable, by its name, and `amount of <species>` for each species, in molecules."""
        units = [*(unit_of(self.system.model, r) for r in self.requests), *("molecule" for _ in self.system.slices)]
        names = [*(r.name for r in self.requests), *(f"amount of {name}" for name in self.system.slices)]
        table, times = np.array(self.rows).T, np.array(self.times)
        return {n: Course(n, times, from_base(1.0, u) * column, u) for n, u, column in zip(names, units, table, strict=True)}


def course_requests(model: Model) -> tuple[ObservableRequest, ...]:
    """The observables of a model that are time courses."""
    return tuple(request for request in model.observables if TYPES[request.type].course)


def measure_of(system: System, request: ObservableRequest, values: Mapping[str, float]) -> Measure:
    """The function (t, state) ↦ value in coherent units behind an observable."""
    if request.type == "rate":
        term = next(term for term in system.terms if term.reaction.name == request.of)
        return lambda t, y: term.total(y, system.others(values, t))
    part = system.slices[request.of]
    if request.type == "concentration":
        return _at_point(system, request, part)
    weights = system.weights[part]
    return {
        "amount": lambda t, y: float(weights @ y[part]),
        "mean": lambda t, y: float(weights @ y[part] / weights.sum()),
        "minimum": lambda t, y: float(y[part].min()),
        "maximum": lambda t, y: float(y[part].max()),
    }[request.type]


def _at_point(system: System, request: ObservableRequest, part: slice) -> Measure:
    """At a point: the value there in a compartment, at the nearest node on a membrane."""
    assert request.point is not None
    space, point = system.space_of(request.of), np.array(request.point) * UM_PER_NM
    distances = np.linalg.norm(space.coordinates - point, axis=1)
    if not space.bulk:
        nearest = int(distances.argmin())
        return lambda t, y: float(y[part][nearest])
    nodes, weights = barycentric(space, point)
    if weights.min() < -1e-9:
        raise SimulationError(
            f"{request.where}: the point {list(request.point)} nm is outside of where {request.of} lives; the nearest corner there is "
            f"{distances.min() / UM_PER_NM:.0f} nm away."
        )
    return lambda t, y: float(weights @ y[part][nodes])


def unit_of(model: Model, request: ObservableRequest) -> str:
    """The unit that the course of an observable is given in. Raises SimulationError if the one asked for has another dimension."""
    usual = TYPES[request.type].unit or (BULK_UNIT if model.species[request.of].bulk else SURFACE_UNIT)
    if not request.unit:
        return usual
    try:
        Quantity(1.0, usual).to(request.unit)
    except SimulationError as error:
        raise SimulationError(f"{request.where}: {error}") from None
    return request.unit


def reduced(course: Course, how: str) -> tuple[float, str]:
    """One number of a course, and its unit.

    how: "final", "peak", "lowest", "time_of_peak", "integral" over time, "average" over time, or "half_time": when the course has gone
    half the way from its first to its last value for the first time (NaN if it never does).
    """
    t, v = course.times, course.values
    match how:
        case "final":
            return float(v[-1]), course.unit
        case "peak":
            return float(v.max()), course.unit
        case "lowest":
            return float(v.min()), course.unit
        case "time_of_peak":
            return float(t[v.argmax()]), "s"
        case "integral":
            per_second = course.unit.endswith("/s")
            return float(np.trapezoid(v, t)), course.unit.removesuffix("/s") if per_second else f"{course.unit}*s"
        case "average":
            return float(np.trapezoid(v, t) / (t[-1] - t[0])), course.unit
    return _half_time(t, v), "s"


def _half_time(t: Vector, v: Vector) -> float:
    half = 0.5 * (v[0] + v[-1])
    passed = np.flatnonzero((v - half) * (v[0] - half) <= 0)
    if v[0] == v[-1] or not len(passed) or passed[0] == 0:
        return float("nan")
    k = int(passed[0])
    return float(t[k - 1] + (half - v[k - 1]) / (v[k] - v[k - 1]) * (t[k] - t[k - 1]))
