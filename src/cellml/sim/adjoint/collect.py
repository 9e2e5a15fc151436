"""−λᵀ ∂F/∂p of a step, for every parameter and for the shape."""

from __future__ import annotations

import numpy as np

from cellml.sim.adjoint.gradient import Gradient
from cellml.sim.derivative import ZERO, derivative
from cellml.sim.engine.reaction_term import ReactionTerm
from cellml.sim.engine.release import release_cells, release_share
from cellml.sim.engine.space import Space
from cellml.sim.engine.step import Stepper
from cellml.sim.engine.system import Vector
from cellml.sim.errors import SimulationError


def changed(term: ReactionTerm, multiplier: Vector) -> Vector:
    """Σ ν_s λ_s at the nodes of a reaction, (n,): what one event there is worth."""
    worth = np.zeros(len(term.space.nodes))
    for name, copies in term.changes.items():
        worth += copies * multiplier[term.unknowns[name]]
    return worth


def collect_step(into: Gradient, stepper: Stepper, multiplier: Vector, new: Vector, difference: Vector, t: float, h: float) -> None:
    """Add −λᵀ ∂F/∂p of F = M v + h (A y − S) with v = difference and y = new."""
    system, values = stepper.system, stepper.values
    D = system.diffusion_coefficients(values)
    for name, part in system.slices.items():
        species, space = system.model.species[name], system.space_of(name)
        left, right = multiplier[part], new[part]
        if species.D.names:
            energy = float(left @ (space.stiffness @ right))
            for parameter in species.D.names:
                into.add_parameter(parameter, -h * energy * float(derivative(species.D, parameter).evaluate(values)))
        if into.with_shape:
            into.seed(species.place).add_mass(-left, difference[part])
            into.seed(species.place).add_stiffness(-h * D[name] * left, right)
    others = system.others(values, t)
    for term in system.terms:
        worth = changed(term, multiplier)
        into.add_formula(term.reaction.rate, h * (term.mass @ worth), term.environment(new, others), term.space, term.reaction.place)
        if into.with_shape:
            into.seed(term.reaction.place).add_mass(h * worth, term.rate(new, others))


def collect_release(into: Gradient, multiplier: Vector) -> None:
    """Add λᵀ ∂b/∂p of what is released at time 0."""
    system = into.system
    for release in system.model.releases:
        worth = multiplier[system.slices[release.species]]
        mean = float(worth @ release_share(system, release))
        for name in release.amount.names:
            into.add_parameter(name, mean * float(derivative(release.amount, name).evaluate(into.values)))
        if into.with_shape:
            cells = release_cells(system, release)
            if cells is None:
                raise SimulationError(
                    f"{release.where}: a release at a point does not move with the mesh; release in a place for gradients by shape."
                )
            space, amount = Space(system.places.points, cells), float(release.amount.evaluate(into.values))
            at_nodes = worth[system.space_of(release.species).local(space.nodes)]
            into.extra_seed(space).add_weights(amount / space.measure * (at_nodes - mean))


def collect_held(into: Gradient, stepper: Stepper, cotangent: Vector, t: float) -> None:
    """Add the way through values that are held. cotangent: (N,) ∂J/∂y where unknowns are held."""
    system = stepper.system
    others, rest = system.others(stepper.values, t), cotangent.copy()
    for held in reversed(stepper.conditions.held):
        x = held.coordinates
        environment = {**others, "x": x[:, 0], "y": x[:, 1], "z": x[:, 2]}
        if into.with_shape and held.value.names & {"x", "y", "z"}:
            raise SimulationError("A held concentration that depends on x, y or z has no gradient by the shape.")
        for name in held.value.names & set(stepper.values):
            slope = derivative(held.value, name)
            if slope != ZERO:
                into.add_parameter(name, float(np.sum(rest[held.unknowns] * slope.evaluate(environment))))
        rest[held.unknowns] = 0.0


def collect_initial(into: Gradient, stepper: Stepper) -> None:
    """Add the way through the initial state, from ∂J/∂y₀ to the parameters that make it."""
    system = stepper.system
    collect_held(into, stepper, into.initial, 0.0)
    free = np.zeros(system.size)
    free[stepper.conditions.free] = into.initial[stepper.conditions.free]
    into.initial = free
    for name, part in system.slices.items():
        if name in into.replaced:
            continue
        species, space = system.model.species[name], system.space_of(name)
        x = space.coordinates
        environment = {**stepper.values, "x": x[:, 0], "y": x[:, 1], "z": x[:, 2]}
        into.add_formula(species.initial, free[part], environment, space, species.place)
