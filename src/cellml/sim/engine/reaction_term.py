"""A reaction as a term of the discrete equations.

The rate is interpolated: it is evaluated at the nodes of its place and spread by the mass matrix there ("product approximation", Christie,
Griffiths, Mitchell & Sanz-Serna, IMA J. Numer. Anal. 1:253, 1981). That keeps the order of P1 elements, makes Jacobians a product of a
fixed matrix with diagonals, and adds exactly as much to one species as it takes from another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.derivative import ZERO, derivative
from cellml.sim.engine.space import Space
from cellml.sim.expression import Expression
from cellml.sim.model import Reaction

Values = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class ReactionTerm:
    """A reaction at the n nodes of its place.

    space: of its place; mass: (n, n) sparse, consistent or lumped; unknowns: for each species that the rate or the changes name, the n
    unknowns of the system at these nodes; changes: copies that one event adds, by species.
    """

    reaction: Reaction
    space: Space
    mass: Any
    unknowns: Mapping[str, NDArray[np.int64]]
    changes: Mapping[str, int]

    def environment(self, y: NDArray[np.float64], others: Values) -> dict[str, Any]:
        """Values of all names at the nodes: species from the state y, x, y, z, and the others (parameters, t, stimuli)."""
        x = self.space.coordinates
        species = {name: y[index] for name, index in self.unknowns.items()}
        return {**others, "x": x[:, 0], "y": x[:, 1], "z": x[:, 2], **species}

    def at_nodes(self, formula: Expression, y: NDArray[np.float64], others: Values) -> NDArray[np.float64]:
        """A formula at the nodes, (n,); what is no number is found by those who step."""
        with np.errstate(all="ignore"):
            found = formula.evaluate(self.environment(y, others))
        return np.broadcast_to(np.asarray(found, dtype=float), (len(self.space.nodes),))

    def rate(self, y: NDArray[np.float64], others: Values) -> NDArray[np.float64]:
        """Events per volume or area and time at the nodes, (n,)."""
        return self.at_nodes(self.reaction.rate, y, others)

    def total(self, y: NDArray[np.float64], others: Values) -> float:
        """Events per time in the whole place."""
        return float(self.space.weights @ self.rate(y, others))

    def add_to(self, source: NDArray[np.float64], y: NDArray[np.float64], others: Values) -> None:
        """Add ν M ρ(y) to the unknowns of each species that the reaction changes."""
        spread = self.mass @ self.rate(y, others)
        for name, copies in self.changes.items():
            source[self.unknowns[name]] += copies * spread

    def inputs(self) -> tuple[str, ...]:
        """Species that the rate depends on."""
        return tuple(name for name in self.unknowns if name in self.reaction.rate.names)

    def slope(self, by: str, y: NDArray[np.float64], others: Values) -> NDArray[np.float64]:
        """∂ρ/∂(species or parameter) at the nodes, (n,)."""
        return self.at_nodes(derivative(self.reaction.rate, by), y, others)

    def is_linear(self, varying: Collection[str]) -> bool:
        """Whether the rate is linear in the species, with coefficients that do not change in time. varying: t and the stimuli."""
        slopes = [derivative(self.reaction.rate, name) for name in self.inputs()]
        return all(slope.names.isdisjoint({*self.unknowns, *varying}) for slope in slopes)

    def depends_on(self, parameter: str) -> bool:
        """Whether the rate has a derivative by a parameter."""
        return derivative(self.reaction.rate, parameter) != ZERO
