"""Whether the names in a model fit together: each means one thing, and each place is one that the model has."""

from __future__ import annotations

from collections.abc import Iterable

from cellml.sim.model import EVERYWHERE, Model
from cellml.sim.reading import nearest
from cellml.sim.sections.gathering import Gathering
from cellml.sim.yaml_lines import KeyPath


def check_names(model: Model, have: Gathering) -> None:
    """Raise SimulationError, with file, line and key, for the first name that has two meanings, or place that is not declared."""
    if not model.species:
        raise have.document.error(("species",), "at least one species is needed")
    _check_unique(model, have)
    _check_kinds(model, have)
    _check_regions(model, have)
    _check_declared("compartments", "in", have)
    _check_declared("membranes", "on", have)


def _check_unique(model: Model, have: Gathering) -> None:
    taken: dict[str, str] = {}
    sections: list[tuple[str, Iterable[str]]] = [
        ("parameters", model.parameters),
        ("stimuli", [*model.stimuli, *have.formulas]),
        ("species", model.species),
    ]
    for section, names in sections:
        for name in names:
            if name in taken:
                raise have.document.error((section, name), f"the name {name!r} stands for one of the {taken[name]} as well")
            taken[name] = section


def _check_kinds(model: Model, have: Gathering) -> None:
    """No place is a compartment and a membrane; the message points at the use that contradicts the declaration, if there is one."""
    for name in sorted(set(model.compartments) & set(model.membranes)):
        declared = "compartments" if name in have.section("compartments") else "membranes"
        other = "membranes" if declared == "compartments" else "compartments"
        meant = " or ".join(f"`{key}:`" for key, section in (("in", "compartments"), ("on", "membranes")) if name in have.section(section))
        remedy = f"write {meant} everywhere, or rename one" if meant else "rename one"
        raise have.document.error(_path_of(name, other, have), f"{name!r} is a compartment (`in:`) and a membrane (`on:`); {remedy}")


def _path_of(place: str, section: str, have: Gathering) -> KeyPath:
    """Where a place is declared, or else first named by a species or a reaction."""
    if place in have.section(section):
        return (section, place)
    key = "in" if section == "compartments" else "on"
    for path in _entries(have):
        if have.document.content[path[0]][path[1]].get(key) == place:
            return (*path, key)
    return (section,)


def _entries(have: Gathering) -> list[tuple[str, str | int]]:
    """Paths of all species and reactions."""
    return [*(("species", name) for name in have.section("species")), *(("reactions", i) for i in range(len(have.listed("reactions"))))]


def _check_regions(model: Model, have: Gathering) -> None:
    """No region belongs to two compartments."""
    holder: dict[str, str] = {}
    for compartment in model.compartments.values():
        path = _path_of(compartment.name, "compartments", have)
        for region in compartment.regions:
            if region in holder:
                raise have.document.error(path, f"the region {region!r} belongs to {holder[region]} already, not to {compartment.name} too")
            holder[region] = compartment.name
    if EVERYWHERE in holder and len(holder) > 1:
        other = next(region for region in holder if region != EVERYWHERE)
        raise have.document.error(
            _path_of(holder[other], "compartments", have),
            f"{holder[EVERYWHERE]!r} is all regions ({EVERYWHERE!r}), so {other!r} cannot be another; list the regions",
        )


def _check_declared(section: str, key: str, have: Gathering) -> None:
    """Where a model declares places, species and reactions are at those, or at a facet set or region that one of them lists."""
    declared = have.section(section)
    if not declared:
        return
    listed = [name for item in declared.values() for value in item.values() for name in (value if isinstance(value, list) else [value])]
    known = [*dict.fromkeys([*map(str, declared), *listed])]
    for path in _entries(have):
        item = have.document.content[path[0]][path[1]]
        if key in item and item[key] not in known:
            raise have.document.error(
                (*path, key), f"{item[key]!r} is not one of the {section}{nearest(item[key], known)}; declared: {', '.join(known)}"
            )
