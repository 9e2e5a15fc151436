"""The section `observables`: what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.model import ObservableRequest, Reaction, Species
from cellml.sim.observable_types import REDUCTIONS, TYPES, ObservableType
from cellml.sim.quantities import parse_unit
from cellml.sim.reading import check_keys, choice, point, text
from cellml.sim.yaml_lines import KeyPath, LocatedDocument


def read_observables(
    document: LocatedDocument, species: Mapping[str, Species], reactions: tuple[Reaction, ...]
) -> tuple[ObservableRequest, ...]:
    """The section `observables`. Raises SimulationError if there is none, or two have one name."""
    items = document.content["observables"]
    if not isinstance(items, list) or not items:
        raise document.error(("observables",), "a list of at least one observable is needed, such as `- type: relaxation_time`")
    about = {
        "species": tuple(species),
        "bulk species": tuple(s.name for s in species.values() if s.bulk),
        "reaction": tuple(r.name for r in reactions),
    }
    requests = tuple(_observable(document, ("observables", index), item, about) for index, item in enumerate(items))
    names = [request.name for request in requests]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise document.error(("observables", index), f"a second observable has the name {name!r}; give one of them another `name`")
    return requests


def _observable(document: LocatedDocument, path: KeyPath, item: Any, about: Mapping[str, tuple[str, ...]]) -> ObservableRequest:
    if not isinstance(item, dict):
        raise document.error(path, f"`type: …` and what it is about are needed here, found {item!r}")
    kind = choice(document, (*path, "type"), item.get("type"), TYPES, "a type of observable")
    described = TYPES[kind]
    needed = [role for role, default in described.places.items() if default is None]
    optional = ["name", *described.places, *(["of"] if described.about else []), *(["reduce", "unit"] if described.course else [])]
    check_keys(document, path, item, required=["type", *needed, *(["at"] if described.point else [])], optional=optional)
    of = _subject(document, path, item, described, about.get(described.about, ()))
    reduce = choice(document, (*path, "reduce"), item.get("reduce", "final"), REDUCTIONS, "a way to make one number of a time course")
    return ObservableRequest(
        type=kind,
        name=text(document, (*path, "name"), item.get("name", f"{of}_{kind}_{reduce}" if described.course else kind)),
        of=of,
        places={role: text(document, (*path, role), item.get(role, default)) for role, default in described.places.items()},
        point=point(document, (*path, "at"), item["at"]) if described.point else None,
        reduce=reduce,
        unit=_unit(document, (*path, "unit"), item.get("unit")),
        where=document.where(path),
    )


def _subject(document: LocatedDocument, path: KeyPath, item: Any, described: ObservableType, candidates: tuple[str, ...]) -> str:
    """The species or reaction that an observable is about; the only one there is need not be named."""
    if not described.about:
        return ""
    if "of" in item:
        return text(document, (*path, "of"), item["of"])
    if len(candidates) != 1:
        raise document.error(path, f"`of` is missing: the {described.about} that is meant, one of {', '.join(candidates) or 'none'}")
    return candidates[0]


def _unit(document: LocatedDocument, path: KeyPath, item: Any) -> str:
    if item is None:
        return ""
    try:
        parse_unit(text(document, path, item))
    except SimulationError as error:
        raise document.error(path, str(error)) from None
    return str(item)
