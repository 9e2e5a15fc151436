"""FEniCSx: the same discrete equations as cellml's own engine, for meshes beyond one machine.

The export is a mesh in XDMF, the model as a Python module of numbers and formulas, and the scripts in `fenicsx_files/`, which are the same
for every model.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from pprint import pformat
from typing import Any

from cellml.sim.derivative import derivative
from cellml.sim.engine.courses import course_requests
from cellml.sim.engine.events import events
from cellml.sim.exports.fenicsx_mesh import write_fenicsx_mesh
from cellml.sim.exports.formulas import NUMPY_FUNCTIONS, as_lambda
from cellml.sim.exports.located import Located
from cellml.sim.exports.readme import readme
from cellml.sim.expression import number
from cellml.sim.model import Reaction, Release

SCRIPTS = Path(__file__).parent / "fenicsx_files"
UM_PER_NM = 1e-3

_STIMULUS = '''\
def stimulus(name, t):
    """A tabulated stimulus at a time: interpolated or held, constant outside of the table."""
    times, values, held = STIMULI[name]
    if held:
        return values[max(int(np.searchsorted(times, t, side="right")) - 1, 0)]
    return float(np.interp(t, times, values))
'''


def write_fenicsx(located: Located, folder: Path) -> None:
    """Write the export for FEniCSx into an existing folder."""
    write_fenicsx_mesh(located.mesh, folder / "mesh.xdmf")
    (folder / "model.py").write_text("\n".join(_module(located)), encoding="utf-8")
    for script in sorted(SCRIPTS.glob("*.py")):
        shutil.copyfile(script, folder / script.name)
    (folder / "README.txt").write_text(_readme(located), encoding="utf-8")


def _module(located: Located) -> Iterator[str]:
    """The lines of model.py."""
    model = located.model
    yield f'"""The model {model.name} on {located.mesh.name}, as numbers and formulas. Lengths um, times s, amounts molecules."""\n'
    yield f"import numpy as np\n\n{NUMPY_FUNCTIONS}\n"
    yield f"NAME = {model.name!r}\nHAS_FACETS = {len(located.mesh.facets) > 0}\n"
    yield "# name: value in um, s, molecule, mg, K"
    yield "PARAMETERS = {"
    yield from (f"    {p.name!r}: {p.quantity.base!r},  # {p.quantity}" for p in model.parameters.values())
    yield "}"
    yield "# name: times in s, values, whether they are held between times"
    yield f"STIMULI = {pformat({s.name: (s.times, s.values, s.steps) for s in model.stimuli.values()}, width=120)}\n\n"
    yield _STIMULUS
    yield "\n# name: whether it is a volume, and its numbers in mesh.xdmf (of regions or of facets)"
    yield f"PLACES = {pformat(_places(located), width=120, sort_dicts=False)}"
    yield "# D in um^2/s, initial concentration in molecules per um^3 (volumes) or um^2 (membranes)"
    yield "SPECIES = {"
    for s in model.species.values():
        yield f"    {s.name!r}: dict(place={s.place!r}, D={as_lambda(s.D)}, initial={as_lambda(s.initial)}),"
    yield "}"
    yield "# rate: events per um^3 or um^2 and s; slopes: its derivatives; changes: copies that an event adds"
    yield "REACTIONS = ["
    yield from (_reaction(located, reaction) for reaction in model.reactions if reaction.changes)
    yield "]"
    yield from _conditions(located)
    yield from _time(located)


def _places(located: Located) -> dict[str, dict[str, Any]]:
    bulk = located.model.compartments
    return {n: {"bulk": n in bulk, "tags": located.regions(n) if n in bulk else located.tags(n)} for n in located.system.spaces}


def _reaction(located: Located, reaction: Reaction) -> str:
    inputs = [name for name in located.model.species if name in reaction.rate.names]
    slopes = ", ".join(f"{name!r}: {as_lambda(derivative(reaction.rate, name))}" for name in inputs)
    return (
        f"    dict(\n        name={reaction.name!r},\n        place={reaction.place!r},\n        changes={reaction.changes!r},\n"
        f"        rate={as_lambda(reaction.rate)},\n        slopes={{{slopes}}},\n    ),"
    )


def _conditions(located: Located) -> Iterator[str]:
    """Held concentrations, releases and points."""
    model = located.model
    held = []
    if model.cut != "sealed" and located.cut_tags:
        bulk = [s for s in model.species.values() if s.bulk and float(s.D.evaluate(model.values())) > 0]
        held = [(s.name, located.cut_tags, s.initial if model.cut == "fixed" else number(0.0)) for s in bulk]
    held += [(f.species, located.tags(f.on), f.value) for f in model.fixed]
    yield "# concentrations that are held on facets; the later one holds where two meet"
    yield "FIXED = ["
    yield from (f"    dict(species={name!r}, tags={tags!r}, value={as_lambda(value)})," for name, tags, value in held)
    yield "]\n# molecules set free at time 0\nRELEASES = ["
    yield from (f"    {_release(located, release)}," for release in model.releases)
    yield "]"
    points = {
        r.name: (r.of, tuple(x * UM_PER_NM for x in r.point))
        for r in course_requests(model)
        if r.type == "concentration" and r.point is not None
    }
    yield f"# name: species and point in um\nPOINTS = {points!r}"


def _release(located: Located, release: Release) -> str:
    at, home = release.at, located.model.species[release.species].place
    amount = as_lambda(release.amount)
    if not isinstance(at, str):
        return f"dict(species={release.species!r}, amount={amount}, point={tuple(x * UM_PER_NM for x in at)!r})"
    inside = at in located.model.compartments and at == home
    tags = located.regions(at) if inside else located.tags(at)
    return f"dict(species={release.species!r}, amount={amount}, point=None, bulk={inside}, tags={tags!r})"


def _time(located: Located) -> Iterator[str]:
    model, system = located.model, located.system
    yield f"LUMPED = {model.lumped}\nLINEAR = {system.is_linear}  # one matrix serves all states and times\nSTEADY = {model.steady}"
    if model.steady or model.time is None:
        yield f"SCALE = {located.diffusion_time!r}  # diffusion time L^2/D in s\n"
        return
    end, time = located.end, model.time
    jumps = events(system, located.values, end)
    shots = [end * (k + 1) / time.snapshots for k in range(time.snapshots)]
    times = merged([*jumps, *shots], [end * (k + 1) / time.steps for k in range(time.steps)], 1e-6 * end / time.steps)
    yield f"SCHEME = {'backward_euler' if time.scheme == 'backward_euler' else 'bdf2'!r}"
    yield "# ends of the time steps in s; events: jumps of a formula or stimulus; snapshots: when fields are written"
    yield f"TIMES = {times!r}\nEVENTS = {jumps!r}\nSNAPSHOTS = {tuple(shots)!r}\n"


def merged(marks: list[float], grid: list[float], apart: float) -> list[float]:
    """All marks, and the times of a grid that are farther than `apart` from every mark, in order."""
    return sorted({*marks, *(t for t in grid if all(abs(t - mark) > apart for mark in marks))})


def _readme(located: Located) -> str:
    time = located.model.time
    notes = [
        "How courses become one number (peak, half_time, …): courses.csv holds the whole courses.",
        "Memory: each species is a field on the whole mesh; its values off its place are held at 0.",
    ]
    if time is not None and time.tolerance is not None:
        notes.append(f"Adaptive steps: {time.steps} equal steps stand in TIMES of model.py.")
    if time is not None and time.scheme == "imex":
        notes.append("The scheme imex: BDF2 with Newton's method is used.")
    return readme(
        located,
        "FEniCSx (written for dolfinx 0.5 to 0.10; run with 0.5.2)",
        ["python3 run.py", "mpirun -n 4 python3 run.py"],
        "um, s and molecules throughout: concentrations in molecule/um^3 (1 uM = 602.214 molecule/um^3), densities in molecule/um^2.",
        [
            ("run.py", "the program; problem.py and discretisation.py belong to it"),
            ("model.py", "parameters, species, reactions and times; change numbers here"),
            ("mesh.xdmf, mesh.h5", "the mesh in um, regions and facet tags"),
            ("courses.csv", "written by the run: a row for every step"),
            ("fields.xdmf", "written by the run: all species at the snapshots, for ParaView"),
        ],
        notes,
    )
