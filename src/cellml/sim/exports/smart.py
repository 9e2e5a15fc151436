"""SMART (Laughlin et al., JOSS 8:5580, 2023): a script for its Python interface, and the mesh as legacy FEniCS reads it.

SMART reads formulas with sympy, so names that sympy knows (E, S, beta, …) get an underscore; it knows no min, max and step
(and sympy writes log and sign in words that it lacks), no places of
release and no held concentrations. Everything is in molecules, µm and s, which SMART converts by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from cellml.io import write_mesh
from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import Located
from cellml.sim.exports.readme import readme
from cellml.sim.exports.refusals import refuse
from cellml.sim.expression import Expression
from cellml.sim.model import Parameter, Reaction, Stimulus
from cellml.sim.quantities import base_unit

_BULK, _SURFACE = "molecule / um**3", "molecule / um**2"
_KNOWN = {"exp", "sqrt", "sin", "cos", "sinh", "cosh", "tanh", "abs"}
_UNITS = {
    "molecule": "unit.molecule",
    "um": "unit.um",
    "s": "unit.sec",
    "mg": "unit.mg",
    "K": "unit.K",
    "dimensionless": "unit.dimensionless",
}

_HEAD = """\
# {name} on {mesh}, for SMART: lengths um, times s, amounts molecules.
import pathlib

import dolfin as d
from smart import config, mesh, model
from smart.model_assembly import Compartment, Parameter, Reaction, Species, sbmodel_from_locals
from smart.units import unit

here = pathlib.Path(__file__).resolve().parent
um, sec, molecule = unit.um, unit.sec, unit.molecule
diffusion = um**2 / sec

"""

_TAIL = """\

pc, sc, cc, rc = sbmodel_from_locals(locals().values())
parent_mesh = mesh.ParentMesh(mesh_filename=str(here / "mesh.h5"), mesh_filetype="hdf5", name="parent_mesh")
settings = config.Config()
settings.flags.update({{"allow_unused_components": True}})
settings.solver.update({{"final_t": {end!r}, "initial_dt": {step!r}, "time_precision": 15, "use_snes": True}})
whole = model.Model(pc, sc, cc, rc, settings, parent_mesh)
whole.initialize()

files, table = {{}}, (here / "courses.csv").open("w")
table.write("time," + ",".join(f"amount of {{name}}" for name in whole.sc.keys) + "\\n")


def record():
    amounts = []
    for name, species in whole.sc.items:
        if name not in files:
            files[name] = d.XDMFFile(whole.mpi_comm_world, str(here / f"{{name}}.xdmf"))
        files[name].write(species.u["u"], whole.t)
        amounts.append(d.assemble(species.u["u"] * d.Measure("dx", domain=species.compartment.dolfin_mesh)))
    table.write(",".join(repr(float(value)) for value in [whole.t, *amounts]) + "\\n")


record()
while whole.t < whole.final_t:
    whole.monolithic_solve()
    record()
table.close()
"""


def write_smart(located: Located, folder: Path) -> None:
    """Write the export for SMART into an existing folder. Raises SimulationError for what SMART cannot express."""
    refuse(located, "SMART", uneven=False)
    (folder / "run.py").write_text("\n".join(_script(located)), encoding="utf-8")
    write_mesh(located.mesh, folder / "mesh.h5", unit="µm")
    for stimulus in located.model.stimuli.values():
        rows = [(0.0, stimulus.values[0])] if stimulus.times[0] > 0 else []
        rows += [*zip(stimulus.times, stimulus.values, strict=True)]
        rows += [(located.end, stimulus.values[-1])] if stimulus.times[-1] < located.end else []
        text = "".join(f"{t!r},{value!r}\n" for t, value in rows)
        (folder / f"{stimulus.name}.txt").write_text(text, encoding="utf-8")
    (folder / "README.txt").write_text(_readme(located), encoding="utf-8")


def _script(located: Located) -> Iterator[str]:
    model = located.model
    yield _HEAD.format(name=model.name, mesh=located.mesh.name)
    yield "# name, dimension, unit of length, numbers in mesh.h5"
    for place in located.system.spaces:
        bulk = place in model.compartments
        marks = list(located.regions(place) if bulk else located.tags(place))
        _alone(located, place, marks)
        mark = marks[0] if len(marks) == 1 else marks
        yield f"{_variable('place', place)} = Compartment({safe(place)!r}, {3 if bulk else 2}, um, {mark})"
    yield "\n# name, initial concentration, its unit, D, its unit, place"
    for s in model.species.values():
        initial = repr(located.number(s.initial)) if located.is_number(s.initial) else repr(_text(located, s.initial, s.where, given=True))
        unit = _BULK if s.bulk else _SURFACE
        motion = f"{located.diffusion(s.name)!r}, diffusion"
        yield f"{_variable('species', s.name)} = Species({safe(s.name)!r}, {initial}, {unit}, {motion}, {safe(s.place)!r})"
    for place in _bare(located):  # SMART solves for something in every place, and finds the place of a rate by its species
        yield f"present_{place} = Species({_present(place)!r}, 1.0, unit.dimensionless, 0.0, diffusion, {safe(place)!r})"
    yield "\n# name, value, unit"
    used = {name for r in model.reactions for name in r.rate.names}
    yield from (_parameter(p) for p in model.parameters.values() if p.name in used)
    yield from (_table(table) for table in model.stimuli.values())
    yield "\n# name, reactants, products, parameters and rate in events per um^3 or um^2 and s"
    yield from (_reaction(located, r) for r in model.reactions if r.changes)
    yield _TAIL.format(end=located.end, step=located.end / (model.time.steps if model.time else 1))


def _bare(located: Located) -> list[str]:
    """Places with reactions but without species."""
    homes = {s.place for s in located.model.species.values()}
    return [place for place in located.system.spaces if place not in homes]


def _present(place: str) -> str:
    return f"present_{place}"


def _table(stimulus: Stimulus) -> str:
    if stimulus.steps:
        raise SimulationError(
            f"{stimulus.where}: SMART interpolates tabulated values, but {stimulus.name} holds them (`steps: true`); export to fenicsx."
        )
    name, unit = stimulus.name, _unit(base_unit(stimulus.dimension))
    return f"{_variable('parameter', name)} = Parameter.from_file({safe(name)!r}, str(here / '{name}.txt'), {unit})"


def _alone(located: Located, place: str, marks: list[int]) -> None:
    """SMART gives each cell or facet to one compartment."""
    for other in located.system.spaces:
        bulk = other in located.model.compartments
        if other == place or bulk != (place in located.model.compartments):
            continue
        shared = set(marks) & set(located.regions(other) if bulk else located.tags(other))
        if shared:
            raise SimulationError(
                f"{located.model.path}: {place} and {other} share the numbers {sorted(shared)} of {located.mesh.name!r}, but SMART gives "
                "each of them to one place. Let the places of the model not overlap, or export to fenicsx."
            )


def _parameter(parameter: Parameter) -> str:
    unit = _unit(base_unit(parameter.quantity.dimension))
    note = f", notes={parameter.quantity.source!r}" if parameter.quantity.source else ""
    return f"{_variable('parameter', parameter.name)} = Parameter({safe(parameter.name)!r}, {parameter.quantity.base!r}, {unit}{note})"


def _unit(text: str) -> str:
    """A coherent unit such as "molecule*um**-3" in terms of SMART's registry."""
    factors = [word.partition("^") for word in text.replace("**", "^").split("*")]
    return " * ".join(_UNITS[name] + (f"**{power}" if power else "") for name, _, power in factors)


def _reaction(located: Located, reaction: Reaction) -> str:
    """A Reaction with its rate as `eqn_f_str`: no law is implied, and stoichiometry stands in the lists."""
    left = [safe(name) for name, count in reaction.reactants.items() for _ in range(count)]
    right = [safe(name) for name, count in reaction.products.items() for _ in range(count)]
    _net(reaction)
    model = located.model
    parameters = sorted(reaction.rate.names & {*model.parameters, *model.stimuli})
    species = sorted({*reaction.rate.names, *reaction.reactants, *reaction.products} & set(model.species))
    rate = _text(located, reaction.rate, reaction.where)
    if reaction.place in _bare(located):
        rate, species = f"{_present(reaction.place)} * {rate}", [*species, _present(reaction.place)]
    return (
        f"{_variable('reaction', reaction.name)} = Reaction(\n    {reaction.name!r},\n    {left!r},\n    {right!r},\n"
        f"    param_map={ {safe(p): safe(p) for p in parameters}!r},\n    species_map={ {safe(s): safe(s) for s in species}!r},\n"
        f"    eqn_f_str={rate!r},\n    explicit_restriction_to_domain={safe(reaction.place)!r},\n)"
    )


def _net(reaction: Reaction) -> None:
    """SMART keeps the count of one side where a species stands on both, so such equations are refused unless nothing changes."""
    both = set(reaction.reactants) & set(reaction.products)
    if both:
        raise SimulationError(
            f"{reaction.where}: {min(both)} stands on both sides of {reaction.name}, which SMART counts once. Leave it out of the equation "
            "and keep it in a `rate` formula."
        )


def _text(located: Located, formula: Expression, where: str, *, given: bool = False) -> str:
    """A formula as sympy reads it; given: with numbers for the parameters."""
    names = formula.names
    if "t" in names or (not given and names & set("xyz")):
        raise SimulationError(
            f"{where}: SMART has no t, x, y, z in rates, but here stands `{formula}`. Make time courses tables (`stimuli`), or export "
            "to fenicsx."
        )
    return _sympy(formula, located.values if given else {}, where)


def _sympy(formula: Expression, values: object, where: str) -> str:
    match formula.op:
        case "number":
            return repr(formula.value)
        case "name":
            known = values if isinstance(values, dict) else {}
            return repr(known[formula.name]) if formula.name in known else safe(formula.name)
        case "hill":
            c, K, n = (_sympy(a, values, where) for a in formula.args)
            return f"(({c})**({n})/(({c})**({n}) + ({K})**({n})))"
        case "neg":
            return f"(-{_sympy(formula.args[0], values, where)})"
        case "+" | "-" | "*" | "/" | "**":
            a, b = (_sympy(a, values, where) for a in formula.args)
            return f"({a} {formula.op} {b})"
    if formula.op not in _KNOWN:
        raise SimulationError(f"{where}: SMART has no function {formula.op} in its formulas; export to fenicsx, or write a smooth one.")
    return f"{formula.op}({_sympy(formula.args[0], values, where)})"


@cache
def _taken() -> frozenset[str]:
    return frozenset(dir(import_module("sympy")))


def safe(name: str) -> str:
    """A name that sympy takes for a plain symbol: "everywhere" for "*", and an underscore after a name that sympy uses itself."""
    plain = "everywhere" if name == "*" else name
    return f"{plain}_" if plain in _taken() or plain == "unit_scale_factor" else plain


def _variable(kind: str, name: str) -> str:
    return f"{kind}_{'everywhere' if name == '*' else name}"


def _readme(located: Located) -> str:
    renamed = [f"{name} is called {safe(name)}" for name in [*located.model.species, *located.model.parameters] if safe(name) != name]
    scheme = located.model.time.scheme if located.model.time else ""
    notes = [f"Names that sympy uses itself: {', '.join(renamed)}."] if renamed else []
    notes += (
        []
        if scheme == "backward_euler"
        else [f"The scheme {scheme}: SMART steps by backward Euler, so take more steps for the same error."]
    )
    notes += ["Rates are integrated by quadrature there, not interpolated at the nodes: results differ by the error of the mesh."]
    notes += [f"{_present(place)}: a number 1 that stands for {place}, which has no species of its own." for place in _bare(located)]
    return readme(
        located,
        "SMART (fenics-smart 2.x, in its Docker image with legacy FEniCS)",
        ["docker run -v $(pwd):/work -w /work ghcr.io/rangamanilabucsd/smart:latest python3 run.py"],
        "um, s and molecules throughout; SMART checks the units of every rate and converts them.",
        [("run.py", "the script"), ("mesh.h5", "the mesh in um, /mf3 regions and /mf2 facet tags"), ("courses.csv", "written by the run")],
        notes,
    )
