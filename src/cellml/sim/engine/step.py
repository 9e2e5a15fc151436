"""One implicit time step.

With δ = yⁿ⁺¹ − yⁿ, d = yⁿ − yⁿ⁻¹, h the step and ω = h / hⁿ⁻¹ the equations are, in increments so that round-off fades with them,

    M (a δ − β d) − b + h (A yⁿ⁺¹ − S) = 0

    backward Euler   a = 1                     β = 0              S = S(yⁿ⁺¹, tⁿ⁺¹)
    BDF2             a = (1 + 2ω)/(1 + ω)      β = ω²/(1 + ω)     S = S(yⁿ⁺¹, tⁿ⁺¹)          (Hairer & Wanner II, III.5)
    IMEX             as BDF2                                      S = (1 + ω) Sⁿ − ω Sⁿ⁻¹     (SBDF2: Ascher, Ruuth & Wetton 1995)

solved by Newton's method, whose matrix is kept as long as it converges well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cellml.sim.engine.conditions import Conditions
from cellml.sim.engine.invariants import Invariant
from cellml.sim.engine.jacobian import Jacobian
from cellml.sim.engine.linear import LinearSolveError, LinearSolver, prepare
from cellml.sim.engine.system import System, Vector

# Newton stops when the next correction is expected to be below this share of the largest value of each species.
TOLERANCE = 1e-10
MOST_ITERATIONS = 15
_PATIENCE = 5  # corrections with a kept matrix, after which it is renewed at each
# A kept matrix is renewed where corrections shrink less than by this factor.
SLOWEST = 0.2
# Corrections below _NOISE that a new matrix shrinks by less than _STALLED, with a residual below _ROUND_OFF of its terms, are round-off:
# where diffusion is very fast against the step, its terms cancel to so few digits.
_NOISE, _STALLED, _ROUND_OFF = 1e-4, 0.5, 1e-14
# The same for systems so small that a factor costs little more than a correction.
SLOWEST_OF_SMALL, SMALL = 0.02, 1000
# Matrices that are kept: those of backward Euler at the beginning and of BDF2, for the way back of the adjoint too.
MOST_KEPT = 2
# What iterative solvers may leave: in a linear step of the largest value of each species, and of the residual in a step of Newton's method.
LINEAR, FORCING = 1e-10, 1e-4
# Relative difference of step lengths within which a matrix is kept: where one correction must do, and where Newton's method goes on anyway.
_SAME_STEP, _SIMILAR_STEP = 1e-9, 0.2


@dataclass(frozen=True)
class Coefficients:
    """a, β and the step length h in s; explicit: S is given, not solved for."""

    a: float
    beta: float
    h: float
    explicit: bool = False


def euler(h: float, *, explicit: bool = False) -> Coefficients:
    """Backward Euler."""
    return Coefficients(1.0, 0.0, h, explicit)


def bdf2(h: float, before: float, *, explicit: bool = False) -> Coefficients:
    """BDF2 with a step h after one of length `before`."""
    w = h / before
    return Coefficients((1.0 + 2.0 * w) / (1.0 + w), w * w / (1.0 + w), h, explicit)


class NoConvergenceError(Exception):
    """Newton's method did not converge; caught by the step control."""


@dataclass(eq=False)
class Stepper:
    """Solves steps of a system with fixed values of the parameters.

    solver: a name of `cellml.sim.engine.linear.SOLVERS`; kept: conserved totals that linear solvers are corrected for; iterations,
    factors: how many were done.
    """

    system: System
    conditions: Conditions
    values: Mapping[str, float]
    solver: str = "auto"
    kept: tuple[Invariant, ...] = ()
    iterations: int = 0
    factors: int = 0
    _kept: list[tuple[Coefficients, LinearSolver]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.transport = self.system.transport(self.values)
        self.jacobian = Jacobian(self.system, self.transport)
        self.symmetric = not self.system.terms
        self._slowest = SLOWEST if self.system.size > SMALL else SLOWEST_OF_SMALL

    @np.errstate(over="ignore", invalid="ignore")  # a state that runs away is found below
    def solve(self, y: Vector, d: Vector, t: float, c: Coefficients, load: Vector | None = None, source: Vector | None = None) -> Vector:
        """The state after a step. y: the state before; d: its last change; t: time after the step; load: b; source: S where explicit.

        Raises NoConvergenceError.
        """
        free, new = self.conditions.free, self.conditions.impose(self._expected(y, d, c), t, self.values)
        last: float | None = None
        scale = self.largest(y)
        for iteration in range(MOST_ITERATIONS):
            residual = self.residual(new, y, d, t, c, load, source)
            correction = np.zeros_like(new)
            try:
                solver, renewed = self.prepared(new, t, c)
                correction[free] = solver.solve(-residual[free], enough=self._enough(residual, scale, c))
            except LinearSolveError as error:
                raise NoConvergenceError from error
            self._conserve(correction, residual, c)
            new = new + correction
            self.iterations += 1
            size = self._size(correction, scale := np.maximum(scale, self.largest(new)))
            if not np.isfinite(size):
                raise NoConvergenceError
            if c.explicit or self.system.is_linear:
                return new
            shrink = None if last is None else size / last
            if size < TOLERANCE or (shrink is not None and shrink < 1 and size * shrink / (1 - shrink) < TOLERANCE):
                return new
            if _NOISE > size > _STALLED * (last or np.inf) and renewed and self._is_round_off(new, y, d, t, c, load, source):
                return new
            if shrink is not None and (shrink > self._slowest or iteration >= _PATIENCE) and not renewed:
                self.forget(solver)
            last = size
        raise NoConvergenceError

    def _is_round_off(
        self, new: Vector, y: Vector, d: Vector, t: float, c: Coefficients, load: Vector | None, source: Vector | None
    ) -> bool:
        """Whether the residual at a candidate is no larger than the round-off of its terms: no correction can be told from noise then."""
        free, S = self.conditions.free, self.system.source(new, t, self.values) if source is None else source
        terms = abs(self.system.mass) @ (c.a * np.abs(new - y) + c.beta * np.abs(d)) + c.h * (abs(self.transport) @ np.abs(new) + np.abs(S))
        left = self.residual(new, y, d, t, c, load, source)
        return bool(np.linalg.norm(left[free]) <= _ROUND_OFF * np.linalg.norm(terms[free]))

    def _enough(self, residual: Vector, scale: Vector, c: Coefficients) -> float:
        """The residual at which iterations may stop: Newton's method goes on anyway, and where it does not, LINEAR of every species."""
        sizes = [s * np.linalg.norm(self.system.weights[part]) for s, part in zip(scale, self.system.slices.values(), strict=True)]
        enough = LINEAR * c.a * float(min((size for size in sizes if size > 0), default=0.0))
        if c.explicit or self.system.is_linear:
            return enough
        return max(enough, FORCING * float(np.linalg.norm(residual)))

    def _expected(self, y: Vector, d: Vector, c: Coefficients) -> Vector:
        """Where Newton's method begins: on the line through the last two states, unless that leaves what the rates are defined for."""
        if c.beta == 0.0 or c.explicit or self.system.is_linear:
            return y
        w = (c.a - 1.0) / (2.0 - c.a)
        ahead = y + w * d
        return np.where((ahead >= 0.0) | (y < 0.0), ahead, y)

    def residual(
        self, new: Vector, y: Vector, d: Vector, t: float, c: Coefficients, load: Vector | None, source: Vector | None = None
    ) -> Vector:
        """The left side of the equations at a candidate for the new state, (N,)."""
        S = source if source is not None else self.system.source(new, t, self.values)
        left = self.system.mass @ (c.a * (new - y) - c.beta * d) + c.h * (self.transport @ new - S)
        return left if load is None else left - load

    def matrix(self, y: Vector, t: float, c: Coefficients) -> Any:
        """The Jacobian of the residual on the free unknowns, sparse."""
        free = self.conditions.free
        whole = c.a * self.system.mass + c.h * self.transport if c.explicit else self.jacobian(y, t, self.values, c.a, c.h)
        return whole if len(free) == self.system.size else whole[free][:, free]

    def prepared(self, y: Vector, t: float, c: Coefficients) -> tuple[LinearSolver, bool]:
        """The Jacobian ready for right-hand sides, and whether it was made anew: one of a similar step is kept where that will do."""
        near = _SAME_STEP if c.explicit or self.system.is_linear else _SIMILAR_STEP
        for of, solver in self._kept:
            if abs(of.a - c.a) <= near * c.a and abs(of.h - c.h) <= near * c.h and of.explicit == c.explicit:
                return solver, False
        solver = prepare(self.matrix(y, t, c), self.solver, symmetric=self.symmetric or c.explicit)
        self._kept = [*self._kept[1 - MOST_KEPT :], (c, solver)]
        self.factors += 1
        return solver, True

    def forget(self, solver: LinearSolver) -> None:
        """Keep a matrix no longer: it has come too far from the state at hand."""
        self._kept = [(of, each) for of, each in self._kept if each is not solver]

    def _conserve(self, correction: Vector, residual: Vector, c: Coefficients) -> None:
        """Correct what the linear solver leaves in conserved totals: a wᵀδ must equal −cᵀ residual.

        Iterations stop early, and in long steps the factor is nearly singular in just these directions. The missing molecules are spread
        evenly over the first species of the total.
        """
        for total in self.kept:
            name = next(iter(total.coefficients))
            part = self.system.slices[name]
            signs = np.zeros(self.system.size)
            for species, coefficient in total.coefficients.items():
                signs[self.system.slices[species]] = coefficient
            missing = -float(signs @ residual) / c.a - float(total.weights @ correction)
            correction[part] += missing / float(total.weights[part].sum())

    def change(self, old: Vector, new: Vector) -> float:
        """The largest change of a species between two states, as a share of its largest value."""
        return self._size(new - old, self.largest(new))

    def largest(self, y: Vector) -> Vector:
        """The largest value of each species, (S,), but at least a billionth of that of all."""
        largest = np.array([np.abs(y[part]).max(initial=0.0) for part in self.system.slices.values()])
        return np.maximum(largest, 1e-9 * largest.max(initial=0.0))

    def _size(self, correction: Vector, scale: Vector) -> float:
        parts = [np.abs(correction[part]).max(initial=0.0) for part in self.system.slices.values()]
        return float(np.max(np.divide(parts, scale, out=np.zeros(len(parts)), where=scale > 0), initial=0.0))
