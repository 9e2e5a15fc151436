"""Following a system in time, with steps that are given or that adapt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cellml.sim.engine.events import events
from cellml.sim.engine.step import Coefficients, NoConvergenceError, Stepper, bdf2, euler
from cellml.sim.engine.system import System, Vector
from cellml.sim.errors import SimulationError

# Steps of backward Euler at the beginning and after each event: they damp what is not smooth.
_EULER_START = 2
_MOST_HALVINGS = 30
# Of the whole run: towards a singularity steps can shrink forever, each of them solved, and time would never get there.
_SHORTEST = 1e-11
_SAFETY, _LEAST_FACTOR, _MOST_FACTOR = 0.9, 0.2, 2.0

Observe = Callable[[float, Vector], None]


@dataclass(frozen=True, eq=False)
class StepRecord:
    """A step that was taken: the time after it in s (as formulas saw it), its coefficients, and the state after it."""

    t: float
    coefficients: Coefficients
    state: Vector


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Where a system went.

    times: (S + 1,) in s; final: the last state; snapshots: states by time; records: every step, where they were asked to be kept; rejected:
    steps that were tried in vain; iterations, factors: work that was done.
    """

    times: Vector
    first: Vector
    final: Vector
    snapshots: Mapping[float, Vector]
    records: tuple[StepRecord, ...]
    rejected: int
    iterations: int
    factors: int


class BlowUpError(SimulationError):
    """No step is short enough. so_far: the trajectory up to the last good state."""

    def __init__(self, message: str, so_far: Trajectory) -> None:
        super().__init__(message)
        self.so_far = so_far


@dataclass(frozen=True)
class Plan:
    """How to follow: until `end` (s) in `steps` equal steps, or in adaptive ones with a relative local error of `tolerance` each, the first
    a hundredth of end / steps long; scheme: "bdf2", "backward_euler" or "imex"; snapshots: at equal distances (at the
    given step that follows), the last at the end.
    """

    end: float
    steps: int
    scheme: str = "bdf2"
    tolerance: float | None = None
    snapshots: int = 1


def follow(
    stepper: Stepper, start: Vector, plan: Plan, *, load: Vector | None = None, observe: Observe | None = None, keep: bool = False
) -> Trajectory:
    """Follow a system from a state.

    start: (N,); load: molecules released at time 0 by test function, (N,) (`cellml.sim.engine.release`); observe: called with the time and
    the state at the beginning and after every step; keep: keep all states. Raises BlowUpError.
    """
    return _Follower(stepper, plan, observe, keep).run(stepper.conditions.impose(start, 0.0, stepper.values), load)


class _Follower:
    """The state of one run."""

    def __init__(self, stepper: Stepper, plan: Plan, observe: Observe | None, keep: bool) -> None:
        self.stepper, self.plan, self.observe, self.keep = stepper, plan, observe, keep
        self.system: System = stepper.system
        self.events = events(self.system, stepper.values, plan.end)
        self.shots = {plan.end * share for share in _shares(plan)}
        self.marks = sorted({*self.events, *self.shots})
        self.snapshots: dict[float, Vector] = {}
        self.records: list[StepRecord] = []
        self.rejected = 0

    def run(self, start: Vector, load: Vector | None) -> Trajectory:
        plan = self.plan
        self.times, self.history, self.first = [0.0], [start], start
        self.since_event, self.sources = 0, [self._source(start, 0.0)]
        if self.observe:
            self.observe(0.0, start)
        nominal = plan.end / plan.steps
        h = nominal if plan.tolerance is None else nominal / 100
        halvings = 0
        while self.times[-1] < plan.end * (1 - 1e-12):
            t = self.times[-1]
            target = self._target(t, h, nominal)
            try:
                new, error = self._attempt(t, target, load)
            except NoConvergenceError:
                new, error = None, np.inf
            if new is None or (plan.tolerance is not None and error > 1.0):
                self.rejected, halvings = self.rejected + 1, halvings + 1
                factor = 0.5 if new is None else float(np.clip(_SAFETY * error ** (-1 / 2), _LEAST_FACTOR, 0.5))
                h = (target - t) * factor
                if new is None:
                    self.since_event = min(self.since_event, 1)  # backward Euler, whose error can still be told
                if halvings > _MOST_HALVINGS or h < _SHORTEST * plan.end:
                    raise self._blown_up(t)
                continue
            self._accept(target, new)
            load, halvings = None, 0
            if plan.tolerance is None:
                h = min(2 * h, nominal)
            else:
                order = 2 if self._order() == 1 else 3
                factor = float(np.clip(_SAFETY * max(error, 1e-12) ** (-1 / order), _LEAST_FACTOR, _MOST_FACTOR))
                h = (target - t) * (factor if not 0.9 < factor < 1.2 else 1.0)
                # Nothing tells the error of the first step after an event: it is as short as the very first.
                h = min(h, nominal / 100) if self.since_event == 0 else h
        return self._trajectory()

    def _target(self, t: float, h: float, nominal: float) -> float:
        """The end of the next step: on the grid where steps are given, and never past a mark."""
        if self.plan.tolerance is None and h >= nominal * (1 - 1e-9):
            steps = np.floor(t / nominal * (1 + 1e-12) + 1e-9) + 1
            h = float(steps) * nominal - t
        following = next(mark for mark in self.marks if mark > t * (1 + 1e-12) + 1e-12 * self.plan.end)
        if t + h >= following - 1e-6 * h:
            return following
        return following - (following - t) / 2 if self.plan.tolerance is not None and t + 1.5 * h > following else t + h

    def _order(self) -> int:
        return 1 if self.plan.scheme == "backward_euler" or self.since_event < _EULER_START else 2

    def _attempt(self, t: float, target: float, load: Vector | None) -> tuple[Vector, float]:
        h, explicit = target - t, self.plan.scheme == "imex"
        y = self.history[-1]
        second = self._order() == 2
        c = bdf2(h, t - self.times[-2], explicit=explicit) if second else euler(h, explicit=explicit)
        d = y - self.history[-2] if second else np.zeros_like(y)
        w = h / (t - self.times[-2]) if second else 0.0
        source = (1 + w) * self.sources[-1] - w * self.sources[-2] if explicit and second else self.sources[-1] if explicit else None
        seen = target if target not in self.events else target - 1e-9 * h
        new = self.stepper.solve(y, d, seen, c, load, source)
        self._seen = StepRecord(seen, c, new)
        return new, self._error(target, new, c.h) if self.plan.tolerance is not None else 0.0

    def _error(self, target: float, new: Vector, h: float) -> float:
        """Local error over the tolerance: the distance from the polynomial through the last states (Milne's device)."""
        order = self._order()
        if self.since_event < order + 1 or len(self.times) < order + 1:
            order = 1
        if self.since_event < 1 or len(self.times) < 2:
            return 0.0
        times, states = np.array(self.times[-order - 1 :]), self.history[-order - 1 :]
        predicted = np.sum([_lagrange(times, k, target) * state for k, state in enumerate(states)], axis=0)
        distances = target - times
        if order == 1:
            share = h / (h + distances[0])
        else:
            of_step = h**2 * distances[-2] ** 2 / (6 * (h + distances[-2]))
            share = of_step / (of_step + np.prod(distances) / 6)
        scale, size = self.stepper.largest(new), 0.0
        for part, largest in zip(self.system.slices.values(), scale, strict=True):
            if largest > 0:
                size = max(size, float(np.sqrt(np.mean((new[part] - predicted[part]) ** 2))) / largest)
        assert self.plan.tolerance is not None
        return share * size / self.plan.tolerance

    def _accept(self, target: float, new: Vector) -> None:
        self.times.append(target)
        self.history = [*self.history[-2:], new]
        after = target + 1e-12 * self.plan.end if target in self.events else target
        self.sources = [self.sources[-1], self._source(new, after)]
        self.since_event = 0 if target in self.events else self.since_event + 1
        if self.keep:
            self.records.append(self._seen)
        if self.observe:
            self.observe(target, new)
        if target in self.shots:
            self.snapshots[target] = new

    def _source(self, y: Vector, t: float) -> Vector:
        return self.system.source(y, t, self.stepper.values) if self.plan.scheme == "imex" else np.zeros(0)

    def _trajectory(self) -> Trajectory:
        return Trajectory(
            np.array(self.times),
            self.first,
            self.history[-1],
            self.snapshots,
            tuple(self.records),
            self.rejected,
            self.stepper.iterations,
            self.stepper.factors,
        )

    def _blown_up(self, t: float) -> BlowUpError:
        y = self.history[-1]
        highest = {name: float(np.abs(y[part]).max()) for name, part in self.system.slices.items()}
        worst = max(highest, key=lambda name: highest[name])
        return BlowUpError(
            f"The simulation stopped at t = {t:.6g} s of {self.plan.end:.6g} s: no step however short converges any more. {worst} has "
            f"reached {highest[worst]:.4g} molecules per µm³ or µm². Look for a reaction that feeds itself without limit, a division by "
            "zero, or the logarithm or root of a negative concentration.",
            self._trajectory(),
        )


def _shares(plan: Plan) -> set[float]:
    """Shares of the end at which snapshots are taken: at equal distances, put off to the next of the given steps, which stay equal."""
    evenly = [(k + 1) / plan.snapshots for k in range(plan.snapshots)]
    return set(evenly) if plan.tolerance is not None else {float(np.ceil(share * plan.steps - 1e-9)) / plan.steps for share in evenly}


def _lagrange(times: Vector, k: int, t: float) -> float:
    others = np.delete(times, k)
    return float(np.prod((t - others) / (times[k] - others)))
