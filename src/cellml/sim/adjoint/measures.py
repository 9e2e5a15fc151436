"""How what is measured on a state depends on the state, the parameters and the shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cellml.sim.adjoint.gradient import Gradient
from cellml.sim.domain import UM_PER_NM
from cellml.sim.engine.courses import measure_of
from cellml.sim.engine.release import barycentric
from cellml.sim.engine.system import System, Vector
from cellml.sim.errors import SimulationError
from cellml.sim.model import ObservableRequest

# (cotangent, t, state, where the gradient is collected) ↦ cotangent of the state (N,)
PullBack = Callable[[float, float, Vector, Gradient], Vector]


@dataclass(frozen=True, eq=False)
class Measured:
    """An observable of a state: its value, and the way back from it."""

    value: Callable[[float, Vector], float]
    pull_back: PullBack


def measured(system: System, request: ObservableRequest, values: dict[str, float]) -> Measured:
    """An observable that is a time course, with its gradient.

    The largest and smallest value follow the node that has them. A `concentration` at a fixed point does not follow a moving mesh:
    SimulationError if the gradient by the shape is asked for then.
    """
    if request.type == "rate":
        return Measured(measure_of(system, request, values), _rate(system, request, values))
    pull = {"amount": _amount, "mean": _mean, "minimum": _extreme, "maximum": _extreme, "concentration": _concentration}[request.type]
    return Measured(measure_of(system, request, values), pull(system, request))


def _amount(system: System, request: ObservableRequest) -> PullBack:
    part, place = system.slices[request.of], system.model.species[request.of].place

    def pull(factor: float, t: float, y: Vector, into: Gradient) -> Vector:
        back = np.zeros(system.size)
        back[part] = factor * system.weights[part]
        if into.with_shape:
            into.seed(place).add_weights(factor * y[part])
        return back

    return pull


def _mean(system: System, request: ObservableRequest) -> PullBack:
    part, place = system.slices[request.of], system.model.species[request.of].place
    weights = system.weights[part]
    measure = weights.sum()

    def pull(factor: float, t: float, y: Vector, into: Gradient) -> Vector:
        back = np.zeros(system.size)
        back[part] = factor * weights / measure
        if into.with_shape:
            mean = float(weights @ y[part] / measure)
            into.seed(place).add_weights(factor / measure * (y[part] - mean))
        return back

    return pull


def _extreme(system: System, request: ObservableRequest) -> PullBack:
    part = system.slices[request.of]

    def pull(factor: float, t: float, y: Vector, into: Gradient) -> Vector:
        back = np.zeros(system.size)
        back[part.start + int(y[part].argmax() if request.type == "maximum" else y[part].argmin())] = factor
        return back

    return pull


def _concentration(system: System, request: ObservableRequest) -> PullBack:
    assert request.point is not None
    part, space = system.slices[request.of], system.space_of(request.of)
    point = np.array(request.point) * UM_PER_NM
    if space.bulk:
        nodes, weights = barycentric(space, point)
    else:
        nodes, weights = np.array([np.linalg.norm(space.coordinates - point, axis=1).argmin()]), np.ones(1)

    def pull(factor: float, t: float, y: Vector, into: Gradient) -> Vector:
        if into.with_shape:
            raise SimulationError(f"{request.where}: {request.name} is taken at a point that does not move with the mesh; ask for a mean.")
        back = np.zeros(system.size)
        back[part.start + nodes] = factor * weights
        return back

    return pull


def _rate(system: System, request: ObservableRequest, values: dict[str, float]) -> PullBack:
    term = next(term for term in system.terms if term.reaction.name == request.of)
    weights, place = term.space.weights, term.reaction.place

    def pull(factor: float, t: float, y: Vector, into: Gradient) -> Vector:
        back, others = np.zeros(system.size), system.others(values, t)
        for name in term.inputs():
            back[term.unknowns[name]] += factor * weights * term.slope(name, y, others)
        into.add_formula(term.reaction.rate, factor * weights, term.environment(y, others), term.space, place)
        if into.with_shape:
            into.seed(place).add_weights(factor * term.rate(y, others))
        return back

    return pull
