"""A rate law of free form that never falls: a network with one hidden layer whose weights are positive by construction.

    r(c) = Σ_k w_k [tanh(s_k (c/C − m_k)) + tanh(s_k m_k)],    w_k, s_k > 0,   m_k = (k − 1)/K

so that r(0) = 0 and r′(c) = Σ_k w_k s_k sech²(…)/C > 0 whatever the weights (Sill 1998: monotonicity by positive weights). The law stands
in the model as a formula of ordinary parameters, so that adjoints, sensitivities, priors, exports and the solver take it as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression, parse
from cellml.sim.model import Model, Parameter, Prior, Reaction
from cellml.sim.overrides import parse_quantity
from cellml.sim.quantities import Quantity, dimension_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MonotoneLaw:
    """What is known of a law before it is learned.

    of: the species whose concentration it depends on; top: C, a concentration that is hardly exceeded, such as "5 uM"; scale: the order of
    the rate at C, such as "500 molecule/um^2/s"; units: K; spread: prior deviation of ln w_k about ln(scale/2K), that of ln s_k about
    ln K being a third of it. With five units a law that begins flat, such as Hill's, is out of reach by more than its band is wide; with
    eight, bands hold what they promise (experiments/learned_laws). Raises SimulationError for fewer than one unit, and values that are
    not positive.
    """

    of: str
    top: str
    scale: str
    units: int = 8
    spread: float = 1.5

    def __post_init__(self) -> None:
        if self.units < 1 or not self.spread > 0:
            raise SimulationError(f"A monotone law needs one unit or more and a positive spread, got {self.units} and {self.spread:g}.")
        for key, text in (("top", self.top), ("scale", self.scale)):
            if parse_quantity(text, key).value <= 0:
                raise SimulationError(f"{key} of a monotone law is {text!r}; it must be positive.")

    def names(self, reaction: str) -> tuple[str, ...]:
        """The parameters that are learned: w_1 … w_K, s_1 … s_K."""
        return tuple(f"{reaction}_{letter}{k + 1}" for letter in "ws" for k in range(self.units))

    def formula(self, reaction: str) -> Expression:
        """The law as a formula of the species and the parameters."""
        terms = []
        for k in range(self.units):
            middle, s = repr(k / self.units), f"{reaction}_s{k + 1}"
            terms.append(f"{reaction}_w{k + 1}*(tanh({s}*({self.of}/{reaction}_top - {middle})) + tanh({s}*{middle}))")
        return parse(" + ".join(terms))

    def parameters(self, reaction: str) -> dict[str, Parameter]:
        """The parameters with their priors, and C, which is not learned."""
        scale, top = parse_quantity(self.scale, "scale"), parse_quantity(self.top, "top")
        found = {f"{reaction}_top": Parameter(f"{reaction}_top", replace(top, source="concentration that the learned law is scaled by"))}
        for n, name in enumerate(self.names(reaction)):
            weight = n < self.units
            start = replace(scale, value=scale.value / (2 * self.units)) if weight else Quantity(float(self.units), "dimensionless")
            prior = Prior("lognormal", start.base, self.spread if weight else self.spread / 3)
            found[name] = Parameter(name, replace(start, source="learned"), prior=prior, estimate=True)
        return found

    def rate(self, reaction: str, values: Mapping[str, Any], concentrations: Floats) -> Floats:
        """R at concentrations (…), both in coherent units, for values of all parameters of the model."""
        return np.asarray(self.formula(reaction).evaluate({**values, self.of: concentrations}), float)


def monotone_laws(given: Mapping[str, Any]) -> dict[str, MonotoneLaw]:
    """Laws by reaction from plain mappings. Raises SimulationError for an unknown or missing key."""
    known = [field.name for field in fields(MonotoneLaw)]
    found = {}
    for reaction, arguments in given.items():
        if not isinstance(arguments, Mapping) or set(arguments) - set(known) or not {"of", "top", "scale"} <= set(arguments):
            raise SimulationError(
                f"laws.{reaction} is {arguments!r}; write {{of: NAME, top: 5 uM, scale: 500 molecule/um^2/s}}, if wanted units and spread."
            )
        found[str(reaction)] = MonotoneLaw(**arguments)
    return found


def with_laws(model: Model, laws: Mapping[str, MonotoneLaw]) -> Model:
    """The model with laws in place of the rates of some reactions, by the reaction's name; their parameters are marked to be estimated.

    Raises SimulationError for a reaction or species that the model lacks, a species that is not where the reaction is, a rate or
    concentration of another dimension, and parameters whose names are taken.
    """
    reactions, parameters = {reaction.name: reaction for reaction in model.reactions}, dict(model.parameters)
    for name, law in laws.items():
        if name not in reactions:
            raise SimulationError(f"The model {model.name!r} has no reaction {name!r}; it has: {', '.join(reactions) or 'none'}.")
        _check(model, reactions[name], law)
        added = law.parameters(name)
        taken = [key for key in added if key in parameters or key in model.species or key in model.stimuli]
        if taken:
            raise SimulationError(f"The law of {name!r} needs the name {taken[0]!r}, which the model has for something else; rename that.")
        parameters |= added
        reactions[name] = replace(reactions[name], rate=law.formula(name), forward=None, backward=None)
    return replace(model, reactions=tuple(reactions.values()), parameters=parameters)


def _check(model: Model, reaction: Reaction, law: MonotoneLaw) -> None:
    species = model.species.get(law.of)
    if species is None:
        raise SimulationError(f"The law of {reaction.name!r} is of {law.of!r}; the model's species are {', '.join(model.species)}.")
    on_membrane = reaction.place in model.membranes
    if species.place != reaction.place and not (on_membrane and species.bulk):
        raise SimulationError(f"The law of {reaction.name!r} is of {law.of!r}, which is in {species.place} and not in {reaction.place}.")
    bulk, flux = "molecule/um^3", f"molecule/um^{2 if on_membrane else 3}/s"
    for key, text, wanted in (("top", law.top, bulk if species.bulk else "molecule/um^2"), ("scale", law.scale, flux)):
        if parse_quantity(text, key).dimension != dimension_of(wanted):
            raise SimulationError(f"The law of {reaction.name!r}: {key} is {text!r}, but a unit such as {wanted} is needed.")
