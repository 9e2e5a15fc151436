"""What is to be simulated: species in compartments and on membranes, their reactions, and what is asked about them.

Numbers of a model are parameters: those of the key `parameters`, and one for each quantity written in place, such as `D_Ca` for the
diffusion coefficient of Ca. Formulas are in coherent units (µm, s, molecule, K), so that they hold as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression
from cellml.sim.quantities import Quantity

EVERYWHERE = "*"  # all regions of a mesh
SCHEMES = ("bdf2", "backward_euler", "imex")
CUTS = ("sealed", "absorbing", "fixed")
# A run may last a multiple of L²/D of the shape at hand instead of a fixed time.
DIFFUSION_TIME = "diffusion_time"


@dataclass(frozen=True)
class Prior:
    """What is known of a parameter beforehand.

    kind: "lognormal" (median first, spread of the logarithm second), "normal" (mean, standard deviation) or "uniform" (low, high);
    first, second: in coherent units (the spread of a lognormal is a plain number).
    """

    kind: str
    first: float
    second: float


@dataclass(frozen=True)
class Parameter:
    """A number of a model.

    quantity: value, unit and source; bounds: least and largest value in coherent units; prior: or None; estimate: to be found from data;
    where: file and line.
    """

    name: str
    quantity: Quantity
    bounds: tuple[float, float] | None = None
    prior: Prior | None = None
    estimate: bool = False
    where: str = ""


@dataclass(frozen=True)
class Compartment:
    """A part of space that holds bulk species. regions: names of regions of the mesh, or (EVERYWHERE,)."""

    name: str
    regions: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True)
class Membrane:
    """A surface that holds surface species and reactions. facets: names of facet sets of the mesh (a membrane and its patches)."""

    name: str
    facets: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True)
class Species:
    """Something that diffuses and reacts.

    place: name of its compartment (bulk) or membrane; D: diffusion coefficient, a formula of parameters; initial: concentration
    (molecules per µm³ or µm²) at the beginning, a formula of parameters and of x, y, z in µm.
    """

    name: str
    place: str
    bulk: bool
    D: Expression
    initial: Expression
    where: str = ""


@dataclass(frozen=True)
class Reaction:
    """A process at a place, and what it does.

    place: a compartment or membrane; rate: formula of species there, parameters, stimuli, t, x, y, z: events per volume (compartment) or
    area (membrane) and time; reactants, products: copies of each species on either side; forward, backward: rate constants where the
    reaction follows the law of mass action, else None (backward also where there is none).
    """

    name: str
    place: str
    rate: Expression
    reactants: Mapping[str, int] = field(default_factory=dict)
    products: Mapping[str, int] = field(default_factory=dict)
    forward: Expression | None = None
    backward: Expression | None = None
    where: str = ""

    @property
    def changes(self) -> dict[str, int]:
        """Copies of each species that one event adds, without those that it leaves as they are."""
        names = dict.fromkeys([*self.reactants, *self.products])
        net = {name: self.products.get(name, 0) - self.reactants.get(name, 0) for name in names}
        return {name: count for name, count in net.items() if count}


@dataclass(frozen=True)
class Stimulus:
    """A time course given by points: values between times are interpolated linearly, or held ("steps"); constant outside.

    times in s; values in coherent units; dimension as pint writes it.
    """

    name: str
    times: tuple[float, ...]
    values: tuple[float, ...]
    dimension: Any
    steps: bool = False
    where: str = ""


@dataclass(frozen=True)
class Fixed:
    """A concentration that is held on a membrane, or on facets by their own name. value: a formula of parameters, t, x, y, z."""

    species: str
    on: str
    value: Expression
    where: str = ""


@dataclass(frozen=True)
class Release:
    """Molecules set free at time 0, on top of the initial concentration.

    at: name of a membrane, a facet set or an automatic choice, or a point (x, y, z) in nm; amount: in molecules, a formula of parameters.
    """

    species: str
    at: str | tuple[float, float, float]
    amount: Expression
    where: str = ""


@dataclass(frozen=True)
class TimeCourse:
    """How the model is followed in time.

    end: a time, or a multiple of the unit DIFFUSION_TIME, which is L²/D of the shape at hand and the fastest bulk species; steps: number of
    equal steps; tolerance: relative local error of a step, where steps adapt (then `steps` is what the first step is a share of), or
    None; scheme: one of SCHEMES; snapshots: how many fields are kept, at equal distances in time.
    """

    end: Quantity
    steps: int = 100
    tolerance: float | None = None
    scheme: str = "bdf2"
    snapshots: int = 5
    where: str = ""


@dataclass(frozen=True)
class ObservableRequest:
    """One observable of a model.

    type: a key of `cellml.sim.observable_types.TYPES`; name: its name in tables; of: the species or reaction that it is about; places:
    facet sets, membranes or automatic choices by role ("from", "to", "on"); point: (x, y, z) in nm; reduce: how a time course becomes
    one number; unit: to be given in, or "" for the usual one; where: file and line, for messages.
    """

    type: str
    name: str
    of: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    point: tuple[float, float, float] | None = None
    reduce: str = "final"
    unit: str = ""
    where: str = ""


@dataclass(frozen=True)
class Model:
    """A whole model; mappings are by name, in the order of the file.

    cut: what bulk species meet where the image cut the object ("sealed", "absorbing", "fixed" at the initial concentration); time: None
    for a steady state; lumped: masses lumped at nodes, which keeps concentrations positive; path: the file it was read from, if it was.
    """

    name: str
    species: Mapping[str, Species]
    observables: tuple[ObservableRequest, ...]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    compartments: Mapping[str, Compartment] = field(default_factory=dict)
    membranes: Mapping[str, Membrane] = field(default_factory=dict)
    reactions: tuple[Reaction, ...] = ()
    stimuli: Mapping[str, Stimulus] = field(default_factory=dict)
    fixed: tuple[Fixed, ...] = ()
    releases: tuple[Release, ...] = ()
    cut: str = "sealed"
    time: TimeCourse | None = None
    steady: bool = False
    lumped: bool = False
    temperature: Quantity | None = None
    path: Path | None = None

    def values(self) -> dict[str, float]:
        """The value of each parameter in coherent units."""
        return {name: parameter.quantity.base for name, parameter in self.parameters.items()}

    def with_values(self, values: Mapping[str, float]) -> Model:
        """The model with other values of some parameters, in coherent units. Raises SimulationError for a name that is none."""
        from cellml.sim.quantities import base_unit

        changed = dict(self.parameters)
        for name, value in values.items():
            if name not in changed:
                raise SimulationError(f"The model {self.name!r} has no parameter {name!r}; it has: {', '.join(changed) or 'none'}.")
            old = changed[name].quantity
            changed[name] = replace(changed[name], quantity=replace(old, value=float(value), unit=base_unit(old.dimension)))
        return replace(self, parameters=changed)

    def reacting_at(self, place: str) -> tuple[Reaction, ...]:
        """The reactions at one compartment or membrane."""
        return tuple(reaction for reaction in self.reactions if reaction.place == place)
