"""What a gradient is collected in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cellml.sim.adjoint.shape import ShapeSeed
from cellml.sim.derivative import ZERO, derivative
from cellml.sim.engine.space import Space
from cellml.sim.engine.system import System, Vector
from cellml.sim.expression import Expression


@dataclass(eq=False)
class Gradient:
    """∂J/∂(everything).

    parameters: by name, in coherent units; initial: (N,) by the initial state, without the way on to the parameters that make it;
    with_shape: whether the gradient by the points of the mesh is collected too; replaced: species whose initial formula was not used.
    """

    system: System
    values: Mapping[str, float]
    with_shape: bool
    replaced: tuple[str, ...] = ()
    parameters: dict[str, float] = field(default_factory=dict)
    initial: Vector = field(default_factory=lambda: np.zeros(0))
    _seeds: dict[str, ShapeSeed] = field(default_factory=dict)
    _extra: list[ShapeSeed] = field(default_factory=list)
    _direct: dict[str, Vector] = field(default_factory=dict)

    def seed(self, place: str) -> ShapeSeed:
        """The seed of the space of a compartment or membrane."""
        if place not in self._seeds:
            self._seeds[place] = ShapeSeed(self.system.spaces[place], self.system.model.lumped)
        return self._seeds[place]

    def extra_seed(self, space: Space) -> ShapeSeed:
        """The seed of a space that belongs to no place of the model."""
        self._extra.append(ShapeSeed(space, self.system.model.lumped))
        return self._extra[-1]

    def add_parameter(self, name: str, amount: float) -> None:
        """Add to ∂J/∂parameter."""
        self.parameters[name] = self.parameters.get(name, 0.0) + amount

    def add_formula(self, formula: Expression, factors: Vector, environment: Mapping[str, Any], space: Space, place: str) -> None:
        """Add Σ factors · formula: its derivatives by parameters, and by where its nodes are. factors: (N,) at nodes of the space."""
        for name in formula.names & set(self.values):
            slope = derivative(formula, name)
            if slope != ZERO:
                self.add_parameter(name, float(np.sum(factors * slope.evaluate(environment))))
        if self.with_shape:
            for axis, name in enumerate("xyz"):
                slope = derivative(formula, name)
                if slope != ZERO:
                    direct = self._direct.setdefault(place, np.zeros((len(space.nodes), 3)))
                    direct[:, axis] += factors * slope.evaluate(environment)

    def points(self) -> Vector:
        """∂J/∂(points of the mesh), (P, 3) per µm."""
        total = np.zeros((len(self.system.places.points), 3))
        for seed in [*self._seeds.values(), *self._extra]:
            total += seed.pull_back()
        for place, direct in self._direct.items():
            np.add.at(total, self.system.spaces[place].nodes, direct)
        return total
