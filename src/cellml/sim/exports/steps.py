"""STEPS (Hepburn et al., BMC Syst. Biol. 6:36, 2012; interface of version 4 and 5): a mesh in gmsh 2.2 and a script.

Units of STEPS: m, s; rate constants in M and s for reactions with a reactant in a volume (1/(M^(n-1) s) of order n), in mol/m² for those
with reactants on the surface only (m²/(mol s) of order 2). A reaction that consumes volume molecules at a membrane without a partner in it
(a permeability) has no constant there that holds for every triangle: K = k A / V of its area and the volume of the tetrahedron behind it,
which the script sets for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cellml.io import write_mesh
from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import OUTSIDE, Located
from cellml.sim.exports.mass_action import Step, steps_of
from cellml.sim.exports.readme import readme
from cellml.sim.exports.refusals import refuse
from cellml.sim.exports.released import Parcel, counts, parcels
from cellml.sim.quantities import Quantity

_LITRE = 1e15  # µm³
_M2 = 1e12  # µm²


def avogadro() -> float:
    """Molecules in a mole."""
    return Quantity(1.0, "mol").base


def molar_constant(constant: float, order: int) -> float:
    """A rate constant in µm³ and molecules for concentrations in mol/L: k N^(n-1), with N molecules per µm³ in 1 M.

    A first-order constant stays; for zero order the rate becomes mol/(L s). order: of the volume reactants and the rest together.
    """
    return constant * (avogadro() / _LITRE) ** (order - 1)


def areal_constant(constant: float, order: int) -> float:
    """A rate constant of surface reactants, in µm² and molecules, for densities in mol/m²."""
    return constant * (avogadro() / _M2) ** (order - 1)


_HEAD = """\
# {name} on {mesh}, for STEPS 4 and 5.
import csv
import pathlib
import sys

import steps.interface

from steps.geom import *
from steps.model import *
from steps.rng import *
from steps.saving import *
from steps.sim import *

here = pathlib.Path(__file__).resolve().parent
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1

"""


@dataclass(frozen=True)
class Sides:
    """The compartments behind a membrane: inner and outer one (None for none)."""

    inner: str
    outer: str | None


def write_steps(located: Located, folder: Path) -> None:
    """Write the export for STEPS into an existing folder. Raises SimulationError for what STEPS cannot express."""
    refuse(located, "STEPS", releases=False)
    steps = steps_of(located, "STEPS")
    sides = {name: sides_of(located, name, "STEPS") for name in located.system.spaces if name in located.model.membranes}
    _apart(located)
    (folder / "run.py").write_text("\n".join(_script(located, steps, sides)), encoding="utf-8")
    write_mesh(located.mesh, folder / "mesh.msh", unit="µm", version="2.2")
    (folder / "README.txt").write_text(_readme(located), encoding="utf-8")


def sides_of(located: Located, membrane: str, target: str) -> Sides:
    """The compartments behind a membrane: one side inside, the other its neighbour or nothing.

    Raises SimulationError where they differ from facet to facet.
    """
    found = {
        tuple(located.compartment_of(n) if n != OUTSIDE else None for n in pair) for pair in located.sides(located.tags(membrane)).tolist()
    }
    homes = {frozenset(name for name in pair if name) for pair in found}
    if len(homes) != 1 or not next(iter(homes)):
        raise SimulationError(
            f"{located.model.membranes[membrane].where or located.model.path}: {target} needs one compartment with species on each side of "
            f"a membrane, but {membrane} has {' and '.join(sorted('/'.join(sorted(h)) or 'none' for h in homes))}. Split it."
        )
    first, *rest = sorted(next(iter(homes)), key=lambda name: located.size(name))
    return Sides(first, rest[0] if rest else None)


def _apart(located: Located) -> None:
    """A triangle belongs to one patch, a tetrahedron to one compartment."""
    for places, numbers in ((located.model.membranes, located.tags), (located.model.compartments, located.regions)):
        seen: dict[int, str] = {}
        for place in (name for name in located.system.spaces if name in places):
            for number in numbers(place):
                if number in seen:
                    raise SimulationError(
                        f"{located.model.path}: {seen[number]} and {place} overlap on {located.mesh.name!r} (number {number}), but "
                        "STEPS gives every element to one place. Let the places of the model not overlap, or export to fenicsx."
                    )
                seen[number] = place


def species_name(name: str) -> str:
    """Species get a prefix, for STEPS reserves single letters and words such as Ves."""
    return f"sp_{name}"


def place_name(name: str) -> str:
    """Places likewise."""
    return f"at_{'everywhere' if name == '*' else name}"


def _script(located: Located, steps: list[Step], sides: dict[str, Sides]) -> Iterator[str]:
    model = located.model
    yield _HEAD.format(name=model.name, mesh=located.mesh.name)
    yield "mdl = Model()\nr = ReactionManager()\nwith mdl:"
    yield from (f"    {species_name(name)} = Species.Create()" for name in model.species)
    for place in located.system.spaces:
        kind = "VolumeSystem" if place in model.compartments else "SurfaceSystem"
        yield f"    sys_{place_name(place)} = {kind}.Create()"
        yield f"    with sys_{place_name(place)}:"
        yield from (f"        {line}" for line in _system(located, place, steps, sides.get(place)) or ["pass"])
    yield "\nmesh = TetMesh.LoadGmsh(str(here / 'mesh.msh'), scale=1e-6)\nwith mesh:"
    yield from (f"    {line}" for line in _geometry(located, sides))
    yield "\nsim = Simulation('Tetexact', mdl, mesh, RNG('mt19937', 512, seed))"
    yield from _run(located, steps, sides)


def _system(located: Located, place: str, steps: list[Step], sides: Sides | None) -> list[str]:
    """Diffusion (m²/s) and reactions of one place."""
    lines = [
        f"Diffusion({species_name(s.name)}, {located.diffusion(s.name) / _M2!r})"
        for s in located.model.species.values()
        if s.place == place and located.diffusion(s.name) > 0
    ]
    for step in (s for s in steps if s.place == place):
        left, right = (_side(located, side, sides) for side in (step.reactants, step.products))
        _one_volume(located, step)
        lines += [f"{left} >r[{step.name!r}]> {right}", f"r[{step.name!r}].K = {constant_of(located, step)!r}"]
    return lines


def constant_of(located: Located, step: Step) -> float:
    """The constant of a step in the units of STEPS; where `shape_power` is p, (A / V)^p of each triangle in 1/m multiplies it."""
    if step.place in located.model.compartments or any(located.model.species[name].bulk for name in step.reactants):
        return molar_constant(step.constant, step.order) * 1e-6 ** shape_power(located, step)
    return areal_constant(step.constant, step.order)


def shape_power(located: Located, step: Step) -> int:
    """The power of A / V (of a triangle and the tetrahedron behind it) in the constant of a step at a membrane.

    STEPS counts all reactants of such a step by V, k A Π (n / V) Π (m / A) = K V^(1-order) Π n Π m: 1 - s with s reactants on the surface.
    """
    surface = sum(count for name, count in step.reactants.items() if not located.model.species[name].bulk)
    mixed = step.place in located.model.membranes and surface < step.order
    return 1 - surface if mixed else 0


def _one_volume(located: Located, step: Step) -> None:
    homes = {located.model.species[name].place for name in step.reactants if located.model.species[name].bulk}
    if len(homes) > 1:
        raise SimulationError(f"{step.where}: {step.name} has reactants in {' and '.join(sorted(homes))}; STEPS needs them on one side.")
    if step.order > 4:
        raise SimulationError(f"{step.where}: {step.name} needs {step.order} molecules to meet; STEPS takes at most four.")


def _side(located: Located, copies: object, sides: Sides | None) -> str:
    assert isinstance(copies, dict)
    words = []
    for name, count in copies.items():
        home = located.model.species[name].place
        where = "" if sides is None else ".i" if home == sides.inner else ".o" if home == sides.outer else ".s"
        words.append(f"{f'{count} * ' if count > 1 else ''}{species_name(name)}{where}")
    return " + ".join(words) or "None"


def _geometry(located: Located, sides: dict[str, Sides]) -> Iterator[str]:
    for place in located.system.spaces:
        if place in sides:
            continue
        tets = " | ".join(f"mesh.tetGroups[(0, {n})]" for n in located.regions(place))
        yield f"{place_name(place)} = Compartment.Create({tets}, sys_{place_name(place)})"
    for place, side in sides.items():
        tris = " | ".join(f"mesh.triGroups[(0, {n})]" for n in located.tags(place))
        outer = place_name(side.outer) if side.outer else "None"
        yield f"{place_name(place)} = Patch.Create({tris}, {place_name(side.inner)}, {outer}, sys_{place_name(place)})"


def _run(located: Located, steps: list[Step], sides: dict[str, Sides]) -> Iterator[str]:
    model, time = located.model, located.model.time
    yield "rs = ResultSelector(sim)"
    paths = [f"rs.{place_name(s.place)}.{species_name(s.name)}.Count" for s in model.species.values()]
    yield f"counts = {' << '.join(paths)}"
    yield f"sim.toSave(counts, dt={located.end / (time.steps if time else 1)!r})\nsim.newRun()"
    for name, count in counts(located).items():
        yield f"sim.{place_name(model.species[name].place)}.{species_name(name)}.Count = {round(count)}  # {count:.6g} molecules"
    for parcel in parcels(located, "STEPS"):
        yield from _release(located, parcel)
    for step in (s for s in steps if shape_power(located, s)):
        home = next(model.species[name].place for name in step.reactants)
        yield f"for tri in {place_name(step.place)}.tris:  # the constant depends on the shape of each triangle"
        yield f"    tet = next(tet for tet in tri.tetNeighbs if tet.comp == {place_name(home)})"
        power = shape_power(located, step)
        yield f"    sim.TRI(tri).{step.name}['fwd'].K = {constant_of(located, step)!r} * (tri.Area / tet.Vol) ** {power}"
    yield f"sim.run({located.end!r})\n"
    names = [f"amount of {name}" for name in model.species]
    yield "with (here / 'courses.csv').open('w', newline='') as file:"
    yield f"    table = csv.writer(file)\n    table.writerow({['time', *names]!r})"
    yield "    table.writerows([t, *row] for t, row in zip(counts.time[0], counts.data[0]))\n"


def _release(located: Located, parcel: Parcel) -> Iterator[str]:
    """Molecules in the tetrahedron at a point, or in those behind facets, shared out by area."""
    name, home = species_name(parcel.species), place_name(located.model.species[parcel.species].place)
    if parcel.point is not None:
        x, y, z = (value * 1e-6 for value in parcel.point)
        yield f"tet = mesh.tets[{x!r}, {y!r}, {z!r}]"
        yield f"sim.TET(tet).{name}.Count = sim.TET(tet).{name}.Count + {round(parcel.count)}"
        return
    yield f"with mesh:\n    behind = {' | '.join(f'mesh.triGroups[(0, {n})]' for n in parcel.tags)}"
    yield "total, reached, placed = sum(tri.Area for tri in behind), 0.0, 0\nfor tri in behind:"
    yield f"    reached += tri.Area\n    more = round({parcel.count!r} * reached / total) - placed\n    placed += more"
    yield f"    tet = next(tet for tet in tri.tetNeighbs if tet.comp == {home})"
    yield f"    sim.TET(tet).{name}.Count = sim.TET(tet).{name}.Count + more"


def _readme(located: Located) -> str:
    return readme(
        located,
        "STEPS (interface of versions 4 and 5)",
        ["python3 run.py 1    (the number is the seed)"],
        "m and s in the script, rate constants in mol/L (volumes) and mol/m^2 (surfaces); mesh.msh is in um and loaded with scale=1e-6.",
        [("run.py", "the script"), ("mesh.msh", "gmsh 2.2, groups by number"), ("courses.csv", "written by the run: molecules in time")],
        [
            "Initial counts are rounded to whole molecules.",
            "STEPS counts pairs as n (n - 1): for few molecules a second-order reaction of equal molecules is slower than its rate law.",
            "Time steps and schemes: STEPS draws single events.",
        ],
    )
