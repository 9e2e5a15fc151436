"""MCell (Kerr et al., SIAM J. Sci. Comput. 30:3126, 2008; MDL of MCell 3 and 4): geometry, molecules, reactions and releases.

Units of MCell: µm, s, cm²/s; rate constants in 1/s (one reactant), 1/(M s) (two, at least one of them in a volume) and µm²/(molecule s)
(two on surfaces). It knows neither reactions out of nothing nor permeabilities; both become the work of molecules that do not move: a
gate of density σ on the membrane, with k/σ for its rate constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import Located
from cellml.sim.exports.mass_action import Step, steps_of
from cellml.sim.exports.mcell_geometry import Shell, geometry, shells
from cellml.sim.exports.readme import readme
from cellml.sim.exports.refusals import refuse
from cellml.sim.exports.released import counts, parcels
from cellml.sim.exports.steps import molar_constant

GATE_DENSITY = 1000.0  # gates per µm² of a membrane
GATE_CONCENTRATION = 60.0  # gates per µm³ of a compartment, about 0.1 µM
_CM2 = 1e8  # µm² in a cm²
GRID_DENSITY = 10000.0  # places per µm² on MCell's surfaces, its default


@dataclass(frozen=True)
class Gate:
    """Molecules that stand for a place: name, place, density per µm² or µm³."""

    name: str
    place: str
    density: float


def word(name: str) -> str:
    """Names in MDL get an m_ in front, so that none is a keyword."""
    return f"m_{'everywhere' if name == '*' else name}"


def write_mcell(located: Located, folder: Path) -> None:
    """Write the export for MCell into an existing folder. Raises SimulationError for what MCell cannot express."""
    refuse(located, "MCell", cut=False, releases=False)
    if located.model.cut == "fixed" and located.cut_tags:
        raise SimulationError(
            f"{located.model.path}: MCell's cut faces can be sealed or absorbing; `cut: fixed` is exported to fenicsx only."
        )
    steps, gates = _with_gates(located, steps_of(located, "MCell"))
    found = shells(located)
    regions = {word(name): located.tags(name) for name in located.system.spaces if name in located.model.membranes}
    if located.model.cut == "absorbing" and located.cut_tags:
        regions["m_cut_faces"] = located.cut_tags
    _room(located, gates)
    (folder / "geometry.mdl").write_text("".join(geometry(found, regions)), encoding="utf-8")
    (folder / "model.mdl").write_text("\n".join(_model(located, steps, gates, found, regions)), encoding="utf-8")
    (folder / "README.txt").write_text(_readme(located, gates), encoding="utf-8")


def _with_gates(located: Located, steps: list[Step]) -> tuple[list[Step], list[Gate]]:
    """Steps with a gate as partner where MCell needs one."""
    gates: dict[str, Gate] = {}
    done = []
    for step in steps:
        membrane = step.place in located.model.membranes
        bulk = [located.model.species[name].bulk for name in step.reactants]
        if (bulk and not (membrane and all(bulk))) or (not membrane and bulk):
            done.append(step)
            continue
        density = GATE_DENSITY if membrane else GATE_CONCENTRATION
        gate = gates.setdefault(step.place, Gate(f"gate_{step.place if step.place != '*' else 'everywhere'}", step.place, density))
        sides = ({**side, gate.name: 1} for side in (step.reactants, step.products))
        left, right = sides
        done.append(replace(step, reactants=left, products=right, constant=step.constant / density))
    return done, list(gates.values())


def constant_of(located: Located, step: Step) -> float:
    """The rate constant of a step in MCell's units. Raises SimulationError for more than two reactants, and for two of one kind."""
    if step.order > 2:
        raise SimulationError(f"{step.where}: {step.name} needs {step.order} molecules to meet; MCell's are exported up to two.")
    if any(count > 1 for count in step.reactants.values()):
        raise SimulationError(
            f"{step.where}: {step.name} joins two equal molecules, for which programs count pairs differently; it is not exported to MCell."
        )
    species = located.model.species
    volume = [name in species and species[name].bulk for name in step.reactants]
    if step.order < 2 or (not any(volume) and step.place in located.model.membranes):
        return step.constant
    return molar_constant(step.constant, 2)


def _room(located: Located, gates: list[Gate]) -> None:
    for place in (name for name in located.system.spaces if name in located.model.membranes):
        densities = [located.number(s.initial) for s in located.model.species.values() if s.place == place]
        total = sum(densities) + sum(g.density for g in gates if g.place == place)
        if total > 0.9 * GRID_DENSITY:
            raise SimulationError(
                f"{located.model.membranes[place].where or located.model.path}: {place} starts with {total:.0f} molecules per um^2, but "
                f"MCell's surfaces have {GRID_DENSITY:.0f} places there. Lower the densities."
            )


def _model(
    located: Located, steps: list[Step], gates: list[Gate], found: list[Shell], regions: dict[str, tuple[int, ...]]
) -> Iterator[str]:
    model, time = located.model, located.model.time
    count = time.steps if time else 1
    yield f"/* {model.name} on {located.mesh.name}: lengths um, times s, diffusion cm^2/s */"
    yield f"ITERATIONS = {count}\nTIME_STEP = {located.end / count!r}\nSURFACE_GRID_DENSITY = {GRID_DENSITY!r}"
    yield "VACANCY_SEARCH_DISTANCE = 0.1\n\nDEFINE_MOLECULES\n{"
    for s in model.species.values():
        yield f"  {word(s.name)} {{ DIFFUSION_CONSTANT_{'3D' if s.bulk else '2D'} = {located.diffusion(s.name) / _CM2!r} }}"
    for gate in gates:
        yield f"  {word(gate.name)} {{ DIFFUSION_CONSTANT_{'2D' if gate.place in model.membranes else '3D'} = 0 }}"
    yield "}\n"
    if steps:
        yield "DEFINE_REACTIONS\n{"
        yield from (f"  {_reaction(located, step, found)}" for step in steps)
        yield "}\n"
    yield from _classes(located, regions)
    yield 'INCLUDE_FILE = "geometry.mdl"\n'
    yield from _surface_classes_on_regions(located, found, regions)
    yield from _instances(located, gates, found)
    yield from _output(located, gates)


def _reaction(located: Located, step: Step, found: list[Shell]) -> str:
    left, right = (_side(located, side, step.place, found) for side in (step.reactants, step.products))
    return f"{left} -> {right} [{constant_of(located, step)!r}] : {word(step.name)}"


def _side(located: Located, copies: object, place: str, found: list[Shell]) -> str:
    """Molecules with orientations at membranes: ' on the front, which is outside of the shell, and , on the back."""
    assert isinstance(copies, dict)
    species = located.model.species
    words = []
    for name, count in copies.items():
        mark = ""
        if place in located.model.membranes:
            home = species[name].place if name in species else place
            mark = "'" if home == place else _facing(located, home, place, found)
        words += [f"{word(name)}{mark}"] * count
    return " + ".join(words) or "NULL"


def _facing(located: Located, home: str, membrane: str, found: list[Shell]) -> str:
    """On which side of the shell that bears a membrane a compartment lies."""
    tags = located.tags(membrane)
    shell = next(s for s in found if set(tags) & set(s.tags.tolist()))
    return "'" if shell.outside in located.regions(home) else ","


def _classes(located: Located, regions: dict[str, tuple[int, ...]]) -> Iterator[str]:
    """Surface molecules stay on their membrane; absorbing cut faces take every volume molecule."""
    model = located.model
    yield "DEFINE_SURFACE_CLASSES\n{"
    for name in (n for n in located.system.spaces if n in model.membranes):
        mine = [s.name for s in model.species.values() if s.place == name]
        lines = "".join(f" REFLECTIVE = {word(s)};" for s in mine)
        if lines:
            yield f"  class_{word(name)} {{{lines} }}"
    if "m_cut_faces" in regions:
        bulk = "".join(f" ABSORPTIVE = {word(s.name)};" for s in model.species.values() if s.bulk)
        yield f"  class_m_cut_faces {{{bulk} }}"
    yield "}\n"


def _surface_classes_on_regions(located: Located, found: list[Shell], regions: dict[str, tuple[int, ...]]) -> Iterator[str]:
    populated = {word(s.place) for s in located.model.species.values() if not s.bulk} | {"m_cut_faces"}
    yield "MODIFY_SURFACE_REGIONS\n{"
    for shell in found:
        for name, tags in regions.items():
            if name in populated and set(tags) & set(shell.tags.tolist()):
                yield f"  {shell.name}[{name}] {{ SURFACE_CLASS = class_{name} }}"
    yield "}\n"


def _instances(located: Located, gates: list[Gate], found: list[Shell]) -> Iterator[str]:
    model = located.model
    yield "INSTANTIATE world OBJECT\n{"
    yield from (f"  {shell.name} OBJECT {shell.name} {{}}" for shell in found)
    content = [(name, model.species[name].place, count) for name, count in counts(located).items()]
    content += [(g.name, g.place, g.density * located.size(g.place)) for g in gates]
    for name, place, number in content:
        count = round(number)
        if count > 0:
            surface = place in model.membranes
            shape = _region_of(located, place, found) if surface else _inside_of(located, place, found)
            molecule = word(name) + ("'" if surface else "")
            yield f"  release_{word(name)} RELEASE_SITE {{ SHAPE = {shape} MOLECULE = {molecule} NUMBER_TO_RELEASE = {count} }}"
    for k, parcel in enumerate(parcels(located, "MCell"), start=1):
        if parcel.point is None:
            raise SimulationError(f"{parcel.where}: MCell has no release behind a membrane; give a point or a compartment, or use steps.")
        place = f"SHAPE = SPHERICAL LOCATION = {list(parcel.point)} SITE_DIAMETER = 0"
        yield f"  released_{k} RELEASE_SITE {{ {place} MOLECULE = {word(parcel.species)} NUMBER_TO_RELEASE = {round(parcel.count)} }}"
    yield "}\n"


def _region_of(located: Located, membrane: str, found: list[Shell]) -> str:
    tags = set(located.tags(membrane))
    return " + ".join(f"world.{s.name}[{word(membrane)}]" for s in found if tags & set(s.tags.tolist()))


def _inside_of(located: Located, compartment: str, found: list[Shell]) -> str:
    """A compartment as what is inside of the shells around it and outside of those that bound it from within."""
    regions = set(located.regions(compartment))
    around = [f"world.{s.name}[ALL]" for s in found if s.inside in regions and s.outside not in regions]
    within = [f"world.{s.name}[ALL]" for s in found if s.outside in regions and s.inside not in regions]
    return " - ".join([f"({' + '.join(around)})" if len(around) > 1 else around[0], *within])


def _output(located: Located, gates: list[Gate]) -> Iterator[str]:
    time = located.model.time
    yield f"REACTION_DATA_OUTPUT\n{{\n  STEP = {located.end / (time.steps if time else 1)!r}"
    yield from (f'  {{ COUNT[{word(s.name)}, WORLD] }} => "amount_of_{s.name}.dat"' for s in located.model.species.values())
    yield "}\n"


def _readme(located: Located, gates: list[Gate]) -> str:
    notes = [
        f"{word(g.name)}: molecules that do not move, {g.density:g} per um^{2 if g.place in located.model.membranes else 3} of {g.place}. "
        "They stand for the place in reactions out of nothing and through a membrane; the rate constants are divided by this density."
        for g in gates
    ]
    return readme(
        located,
        "MCell 3 and 4 (MDL)",
        ["mcell -seed 1 model.mdl"],
        "um, s, cm^2/s; rate constants in 1/s, 1/(M s) and, between surface molecules, um^2/(molecule s).",
        [("model.mdl", "molecules, reactions, releases, output"), ("geometry.mdl", "closed surfaces, normals outwards")],
        [
            *notes,
            "Initial counts are rounded to whole molecules; every species is called m_ and its name.",
            "The time step: MCell needs one in which a molecule seldom reacts twice; heed its report of probabilities and lower TIME_STEP.",
        ],
    )
