"""Parameters to be found: the coordinate in which each is sought, its prior and its bounds.

Positive parameters are sought by their logarithm z = ln v, in which rate constants are nearly normal; others by z = v. A prior counts as a
density of z: a lognormal prior is normal in z, and a uniform one is uniform in z between its bounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.errors import SimulationError
from cellml.sim.model import Model, Parameter
from cellml.sim.quantities import from_base

Vector = NDArray[np.float64]
# An estimate this near its bound, as a share of the distance of both bounds, lies on it.
_ON = 1e-6


@dataclass(frozen=True)
class Unknown:
    """One parameter. logarithmic: z = ln v; mean, sd: of a normal prior in z (sd infinite: none); low, high: bounds of z; start: where to
    begin; unit: the one of the model file, in which v is told to people (v itself is in coherent units).
    """

    name: str
    logarithmic: bool
    start: float
    mean: float = 0.0
    sd: float = math.inf
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""

    def value(self, z: float) -> float:
        """V from z."""
        return math.exp(z) if self.logarithmic else z

    def told(self, z: float) -> float:
        """V from z, in `unit`."""
        return self.value(z) * from_base(1.0, self.unit)

    def slope(self, z: float) -> float:
        """Change of v with z."""
        return math.exp(z) if self.logarithmic else 1.0

    def bound_at(self, z: float) -> str:
        """Which bound z lies on: "lower", "upper" or "" for neither."""
        for side, bound in (("lower", self.low), ("upper", self.high)):
            width = self.high - self.low if math.isfinite(self.high - self.low) else max(abs(bound), 1.0)
            if math.isfinite(bound) and abs(z - bound) <= _ON * width:
                return side
        return ""

    def coordinate(self, v: float) -> float:
        """Z from v."""
        return math.log(v) if self.logarithmic else v


def unknowns(model: Model, names: Sequence[str] | None = None) -> tuple[Unknown, ...]:
    """The parameters with `estimate: true`, or those of the given names.

    Raises SimulationError if there is none, for an unknown name, and for a positive value of zero.
    """
    chosen = [n for n, p in model.parameters.items() if p.estimate] if names is None else list(names)
    unknown = [name for name in chosen if name not in model.parameters]
    if unknown:
        raise SimulationError(f"The model {model.name!r} has no parameter {unknown[0]!r}; it has: {', '.join(model.parameters)}.")
    if not chosen:
        raise SimulationError(f"The model {model.name!r} has no parameter to be found; mark it with `estimate: true`.")
    return tuple(_unknown(model.parameters[name]) for name in chosen)


def _unknown(parameter: Parameter) -> Unknown:
    value, prior, bounds = parameter.quantity.base, parameter.prior, parameter.bounds
    logarithmic = prior is None or prior.kind != "normal"
    logarithmic = (
        logarithmic and value > 0 and (bounds is None or bounds[0] > 0) and not (prior and prior.kind == "uniform" and prior.first <= 0)
    )
    mean, sd, low, high = 0.0, math.inf, -math.inf, math.inf
    turned = math.log if logarithmic else float
    if bounds is not None:
        low, high = turned(bounds[0]), turned(bounds[1])
    if prior is not None and prior.kind == "uniform":
        low, high = max(low, turned(prior.first)), min(high, turned(prior.second))
    elif prior is not None:
        mean, sd = (math.log(prior.first), prior.second) if prior.kind == "lognormal" else (prior.first, prior.second)
    start = min(max(turned(value), low), high)
    return Unknown(parameter.name, logarithmic, start, mean, sd, low, high, parameter.quantity.unit)
