"""The text of a converted model file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from cellml.sim.imports.draft import Draft, Pool, Process
from cellml.sim.imports.units import Unit


def model_text(draft: Draft, path: Path) -> str:
    """A model file with everything in a draft, and comments about what SBML does not say."""
    model = draft.model
    lines = [
        f"# cellml simulate mesh=cell.vtu model={path.stem}.yaml output=results/",
        f"# Converted from {path.name} (SBML level {model.getLevel()} version {model.getVersion()}).",
        *(["# Units that the source leaves open were assumed; check them."] if draft.assumed or draft.units.assumed else []),
        *(f"# {note}" for note in draft.notes),
        f"name: {json.dumps(model.getId() or path.stem)}",
        "",
        *_places(draft),
        *_constants(draft, path),
        *_stimuli(draft),
        *_species(draft, path),
        *_reactions(draft.processes),
        *_time(draft.units.units.get("time", Unit("second"))),
        "observables:",
        *(f"  - {{type: mean, of: {called}}}" for called in draft.pools),
    ]
    return "\n".join(lines) + "\n"


def _places(draft: Draft) -> list[str]:
    lines = []
    for section, key, bulk in (("compartments", "region", True), ("membranes", "facets", False)):
        found = [place.name for place in draft.places.values() if place.bulk == bulk]
        if found:
            lines += [f"# Write the names in your mesh after `{key}:`.", f"{section}:"]
            lines += [f"  {called}: {{{key}: {called}}}" for called in found] + [""]
    return lines


def _constants(draft: Draft, path: Path) -> list[str]:
    lines = ["parameters:"]
    for called, constant in draft.constants.items():
        assert constant.unit is not None
        source = json.dumps(f"{path.name}: {constant.called or called}", ensure_ascii=False)
        lines.append(
            f"  {called}: {{value: {_number(constant.value * constant.unit.factor)}, unit: {_unit(constant.unit)}, source: {source}}}"
        )
    return [*lines, ""] if len(lines) > 1 else []


def _stimuli(draft: Draft) -> list[str]:
    lines = [f'  {called}: {{formula: "{formula}"}}' for called, formula in draft.stimuli.items()]
    return ["# Assignment rules: each formula is put in place of its name.", "stimuli:", *lines, ""] if lines else []


def _species(draft: Draft, path: Path) -> list[str]:
    lines = ["# SBML core knows no diffusion; give each species its coefficient, such as D: {value: 10, unit: um^2/s}.", "species:"]
    for called, pool in draft.pools.items():
        lines.append(f"  {called}: {{{_where(pool.place.bulk, pool.place.name)}, D: 0, initial: {_initial(pool, called, path)}}}")
    return [*lines, ""]


def _initial(pool: Pool, called: str, path: Path) -> str:
    if pool.initial == 0.0:
        return "0"
    source = json.dumps(f"{path.name}: {pool.called or called}", ensure_ascii=False)
    return f"{{value: {_number(pool.initial * pool.unit.factor)}, unit: {_unit(pool.unit)}, source: {source}}}"


def _reactions(processes: list[Process]) -> list[str]:
    lines = []
    for each in processes:
        equation = f"{_side(each.left)} {each.arrow} {_side(each.right)}"
        lines += [f"  - name: {each.name}", f"    {_where(each.place.bulk, each.place.name)}", f'    equation: "{equation}"']
        lines += [f"    forward: {each.forward}", f"    backward: {each.backward}"] if each.forward else [f'    rate: "{each.rate}"']
    return ["reactions:", *lines, ""] if lines else []


def _time(unit: Unit) -> list[str]:
    return [
        "# SBML says nothing of how long.",
        "time:",
        f"  end: {{value: {_number(100.0 * unit.factor)}, unit: {_unit(unit)}}}",
        "  steps: 100",
        "",
    ]


def _where(bulk: bool, place: str) -> str:
    return f"{'in' if bulk else 'on'}: {place}"


def _side(species: Mapping[str, int]) -> str:
    return " + ".join(called if copies == 1 else f"{copies} {called}" for called, copies in species.items()) or "0"


def _unit(unit: Unit) -> str:
    return json.dumps(unit.text)


def _number(value: float) -> str:
    """A number that YAML reads as one: 1e-05 needs no point here."""
    return repr(float(value))
