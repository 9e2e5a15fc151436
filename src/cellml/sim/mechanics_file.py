"""Reading of mechanical models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cellml.sim.mechanics_model import (
    AXES,
    LAWS,
    MECHANICS_TYPES,
    MechanicsModel,
    MechanicsRequest,
    Push,
    Solid,
    Support,
    Triple,
)
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model, read_text
from cellml.sim.reading import check_keys, choice, count, quantity, text
from cellml.sim.yaml_lines import KeyPath, LocatedDocument

_KEYS = ("law", "order", "steps", "fixed", "displacement", "traction", "pressure")
_LARGEST_POISSON = 0.5


def load_any_model(path: str | Path) -> Model | MechanicsModel:
    """The model of a file: a mechanical one if it has a section `mechanics`. Raises FileError and SimulationError as `load_model` does."""
    path = Path(path)
    content = read_text(path)
    document = LocatedDocument(content, path)
    return parse_mechanics(document) if "mechanics" in document.content else parse_model(content, path)


def parse_mechanics(document: LocatedDocument) -> MechanicsModel:
    """A mechanical model. Raises SimulationError, naming file, line and key, for anything missing, unknown, or out of range."""
    check_keys(document, (), document.content, required=("mechanics", "observables"), optional=("name",))
    path, item = ("mechanics",), document.content["mechanics"]
    check_keys(document, path, item, required=("materials",), optional=_KEYS)
    solids = _solids(document, item)
    supports = (*_fixed(document, item), *_displacements(document, item))
    loads = (*_tractions(document, item), *_pressures(document, item))
    if not loads and not any(component for support in supports for component in support.value):
        raise document.error(path, "nothing moves or pushes: give a `displacement`, a `traction` or a `pressure` other than 0")
    order = count(document, (*path, "order"), item.get("order", MechanicsModel.order))
    if order > 2:
        raise document.error((*path, "order"), f"elements have order 1 or 2, found {order}")
    return MechanicsModel(
        name=str(document.content.get("name", document.path.stem)),
        solids=solids,
        observables=_observables(document, supports),
        supports=supports,
        loads=loads,
        law=choice(document, (*path, "law"), item.get("law", MechanicsModel.law), LAWS, "a law of elasticity"),
        order=order,
        steps=count(document, (*path, "steps"), item.get("steps", MechanicsModel.steps)),
        path=document.path,
        sourceless=tuple(_sourceless(solids)),
    )


def _solids(document: LocatedDocument, item: Any) -> tuple[Solid, ...]:
    path: KeyPath = ("mechanics", "materials")
    if not isinstance(item["materials"], dict) or not item["materials"]:
        raise document.error(path, '`region: {E: …, nu: …}` lines are needed here ("*" is all regions)')
    return tuple(_solid(document, (*path, region), str(region), entry) for region, entry in item["materials"].items())


def _solid(document: LocatedDocument, path: KeyPath, region: str, item: Any) -> Solid:
    check_keys(document, path, item, required=("E", "nu"))
    young = quantity(document, (*path, "E"), item["E"], "Pa", positive=True)
    poisson = quantity(document, (*path, "nu"), item["nu"], "dimensionless")
    if not -1.0 < poisson.base < _LARGEST_POISSON:
        raise document.error(
            (*path, "nu"), f"Poisson's ratio lies between -1 and 0.5, found {poisson.value:g}; write 0.499 for an incompressible solid"
        )
    return Solid(region, young, poisson, document.where(path))


def _sourceless(solids: tuple[Solid, ...]) -> Iterator[str]:
    for solid in solids:
        for symbol, value in (("E", solid.young), ("nu", solid.poisson)):
            if not value.source:
                yield f"{solid.where}: {symbol} of {solid.region!r} = {value} has no source."


def _entries(document: LocatedDocument, item: Any, key: str) -> list[Any]:
    found = item.get(key)
    if found is not None and not isinstance(found, list):
        raise document.error(("mechanics", key), f"a list of entries (`- …`) is needed here, found {found!r}")
    return found or []


def _fixed(document: LocatedDocument, item: Any) -> list[Support]:
    found = []
    for index, entry in enumerate(_entries(document, item, "fixed")):
        path: KeyPath = ("mechanics", "fixed", index)
        check_keys(document, path, entry, required=("on",), optional=("axes",))
        axes = entry.get("axes", list(AXES))
        if not isinstance(axes, list) or not axes or not set(map(str, axes)) <= set(AXES):
            raise document.error((*path, "axes"), f"a list of axes such as [x, z] is needed, found {axes!r}")
        x, y, z = (0.0 if axis in axes else None for axis in AXES)
        found.append(Support(text(document, (*path, "on"), entry["on"]), (x, y, z), document.where(path)))
    return found


def _displacements(document: LocatedDocument, item: Any) -> list[Support]:
    found = []
    for index, entry in enumerate(_entries(document, item, "displacement")):
        path: KeyPath = ("mechanics", "displacement", index)
        value = _vector(document, path, entry, "nm")
        found.append(Support(text(document, (*path, "on"), entry["on"]), value, document.where(path)))
    return found


def _tractions(document: LocatedDocument, item: Any) -> list[Push]:
    found = []
    for index, entry in enumerate(_entries(document, item, "traction")):
        path: KeyPath = ("mechanics", "traction", index)
        x, y, z = (component or 0.0 for component in _vector(document, path, entry, "Pa"))
        found.append(Push(text(document, (*path, "on"), entry["on"]), traction=(x, y, z), where=document.where(path)))
    return found


def _pressures(document: LocatedDocument, item: Any) -> list[Push]:
    found = []
    for index, entry in enumerate(_entries(document, item, "pressure")):
        path: KeyPath = ("mechanics", "pressure", index)
        check_keys(document, path, entry, required=("on", "value"))
        value = quantity(document, (*path, "value"), entry["value"], "Pa").base
        found.append(Push(text(document, (*path, "on"), entry["on"]), pressure=value, where=document.where(path)))
    return found


def _vector(document: LocatedDocument, path: KeyPath, entry: Any, example: str) -> Triple:
    """Components x, y, z in coherent units; a bare 0 needs no unit, and what is left out is None."""
    check_keys(document, path, entry, required=("on",), optional=AXES)
    if not any(axis in entry for axis in AXES):
        raise document.error(path, f"at least one of x, y, z is needed, such as z: {{value: -100, unit: {example}}}")

    def component(axis: str) -> float | None:
        if entry.get(axis) is None:
            return None
        zero = entry[axis] == 0 and not isinstance(entry[axis], bool)
        return 0.0 if zero else quantity(document, (*path, axis), entry[axis], example).base

    return component("x"), component("y"), component("z")


def _observables(document: LocatedDocument, supports: tuple[Support, ...]) -> tuple[MechanicsRequest, ...]:
    items = document.content["observables"]
    if not isinstance(items, list) or not items:
        raise document.error(("observables",), "a list of at least one observable is needed, such as `- type: energy`")
    found: list[MechanicsRequest] = []
    for index, item in enumerate(items):
        request = _observable(document, ("observables", index), item, supports)
        if request.name in [other.name for other in found]:
            raise document.error(("observables", index), f"a second observable has the name {request.name!r}; rename one by `name`")
        found.append(request)
    return tuple(found)


def _observable(document: LocatedDocument, path: KeyPath, item: Any, supports: tuple[Support, ...]) -> MechanicsRequest:
    if not isinstance(item, dict):
        raise document.error(path, f"`type: …` and what it is about are needed here, found {item!r}")
    kind = choice(document, (*path, "type"), item.get("type"), MECHANICS_TYPES, "a type of observable of mechanics")
    described = MECHANICS_TYPES[kind]
    needed = ["type", *(["on"] if described.on else []), *(["axis"] if described.axis else [])]
    check_keys(document, path, item, required=needed, optional=("name", "unit"))
    on = text(document, (*path, "on"), item["on"]) if described.on else ""
    axis = choice(document, (*path, "axis"), item["axis"], AXES, "an axis") if described.axis else ""
    if described.on:
        _check_support(document, path, kind, on, axis, supports)
    unit = text(document, (*path, "unit"), item.get("unit", described.unit))
    quantity(document, path, {"value": 1.0, "unit": unit}, described.unit)
    usual = f"{on}_{kind}_{axis}" if described.on else kind
    return MechanicsRequest(kind, text(document, (*path, "name"), item.get("name", usual)), unit, on, axis, document.where(path))


def _check_support(document: LocatedDocument, path: KeyPath, kind: str, on: str, axis: str, supports: tuple[Support, ...]) -> None:
    """A force is measured where a displacement is prescribed, a stress–strain curve where that moves along the axis."""
    mine = [support.value[AXES.index(axis)] for support in supports if support.on == on]
    if all(component is None for component in mine):
        held = ", ".join(dict.fromkeys(support.on for support in supports)) or "none"
        raise document.error((*path, "on"), f"{on!r} is not held along {axis}, so nothing is measured there; held: {held}")
    if kind == "stress_strain" and not any(mine):
        raise document.error((*path, "on"), f"{on!r} does not move along {axis}; a stress–strain curve needs a `displacement` there")
