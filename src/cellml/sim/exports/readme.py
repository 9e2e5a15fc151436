"""The README.txt of every export."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cellml.sim.exports.located import Located


def readme(located: Located, target: str, run: Sequence[str], units: str, files: Iterable[tuple[str, str]], notes: Iterable[str]) -> str:
    """Text of a README: what the folder is, how to run it, files, units, numbers of the model, and what could not be carried over."""
    mesh, model = located.mesh, located.model
    lines = [f"{model.name} on {mesh.name}, for {target}", ""]
    lines += ["Run:", *(f"    {command}" for command in run), "", "Files:", *(f"    {name:20}{what}" for name, what in files), ""]
    lines += [f"Units: {units}", "", f"Mesh: {len(mesh.tets)} tetrahedra, {len(mesh.points)} points."]
    lines += [f"    {_what(located, name)}" for name in located.system.spaces]
    lines += ["", "Parameters (in the units of the model file; source):"]
    lines += [f"    {p.name} = {p.quantity}  ({p.quantity.source or 'no source'})" for p in model.parameters.values()]
    lines += ["", "Not carried over, or not the same:", *(f"  - {note}" for note in [*notes, *_always(located)])]
    return "\n".join(lines) + "\n"


def _what(located: Located, place: str) -> str:
    if place in located.model.compartments:
        return f"{place}: {located.size(place):.6g} um^3, regions {list(located.regions(place))}"
    return f"{place}: {located.size(place):.6g} um^2, facet tags {list(located.tags(place))}"


def _always(located: Located) -> list[str]:
    notes = ["Priors, bounds and what is to be estimated: these belong to cellml."]
    other = [
        r.name for r in located.model.observables if r.type in ("relaxation_time", "first_passage_time", "conductance", "shape_factor")
    ]
    if other:
        notes.append(f"Observables that solve problems of their own: {', '.join(other)}.")
    return notes
