"""Reading of model files."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from cellml.errors import FileError
from cellml.sim.errors import SimulationError
from cellml.sim.model import DIFFUSION_TIME, OBSERVABLE_PLACES, SCHEMES, DiffusionModel, ObservableRequest, Release
from cellml.sim.quantities import Quantity
from cellml.sim.yaml_lines import KeyPath, LocatedDocument


def load_model(path: str | Path) -> DiffusionModel:
    """Read a model from YAML; `conf/sim/diffusion.yaml` shows every key.

    Raises FileError for a file that cannot be read and SimulationError, naming file, line and key, for an unknown or missing key, an
    unknown type of observable, a missing unit or one of the wrong dimension, and a value out of range.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"The model file {path} cannot be read: {error}.") from None
    document = LocatedDocument(text, path)
    content = document.content
    _check_keys(document, (), content, required=("D", "observables"), optional=("name", "release"))
    return DiffusionModel(
        name=str(content.get("name", path.stem)),
        D=_quantity(document, ("D",), content["D"], "um^2/s"),
        observables=_observables(document, content["observables"]),
        release=_release(document, content["release"]) if content.get("release") is not None else None,
        path=path,
    )


def _observables(document: LocatedDocument, items: Any) -> tuple[ObservableRequest, ...]:
    if not isinstance(items, list) or not items:
        raise document.error(("observables",), "a list of at least one observable is needed, such as `- type: relaxation_time`")
    requests = tuple(_observable(document, ("observables", index), item) for index, item in enumerate(items))
    names = [request.name for request in requests]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise document.error(("observables", index), f"a second observable has the name {name!r}; give one of them another `name`")
    return requests


def _observable(document: LocatedDocument, path: KeyPath, item: Any) -> ObservableRequest:
    kind = str(item.get("type")) if isinstance(item, dict) else ""
    if kind not in OBSERVABLE_PLACES:
        known = ", ".join(OBSERVABLE_PLACES)
        raise document.error((*path, "type"), f"{kind!r} is not a type of observable; there are {known}")
    roles = OBSERVABLE_PLACES[kind]
    needed = [role for role, default in roles.items() if default is None]
    _check_keys(document, path, item, required=("type", *needed), optional=("name", *roles))
    places = {role: _text(document, (*path, role), item.get(role, default)) for role, default in roles.items()}
    return ObservableRequest(kind, _text(document, (*path, "name"), item.get("name", kind)), places, document.where(path))


def _release(document: LocatedDocument, item: Any) -> Release:
    path: KeyPath = ("release",)
    _check_keys(document, path, item, required=("at", "end"), optional=("steps", "scheme", "snapshots"))
    scheme = item.get("scheme", Release.scheme)
    if scheme not in SCHEMES:
        raise document.error((*path, "scheme"), f"{scheme!r} is not a time-stepping scheme; there are {', '.join(SCHEMES)}")
    return Release(
        at=_release_place(document, (*path, "at"), item["at"]),
        end=_quantity(document, (*path, "end"), item["end"], "s", also=DIFFUSION_TIME),
        steps=_count(document, (*path, "steps"), item.get("steps", Release.steps)),
        scheme=scheme,
        snapshots=_count(document, (*path, "snapshots"), item.get("snapshots", Release.snapshots)),
        where=document.where(path),
    )


def _release_place(document: LocatedDocument, path: KeyPath, value: Any) -> str | tuple[float, float, float]:
    if not isinstance(value, list):
        return _text(document, path, value)
    if len(value) != 3:
        raise document.error(path, f"a point has three coordinates [x, y, z] in nm, found {len(value)}")
    x, y, z = (_number(document, path, coordinate) for coordinate in value)
    return (x, y, z)


def _quantity(document: LocatedDocument, path: KeyPath, item: Any, unit: str, *, also: str = "") -> Quantity:
    """A positive quantity with a unit that converts to `unit`, or is the word `also`."""
    if not isinstance(item, dict):
        raise document.error(path, f"a value with a unit is needed, such as {{value: 1.0, unit: {unit}}}, found {item!r}")
    _check_keys(document, path, item, required=("value", "unit"), optional=("source",))
    quantity = Quantity(
        _number(document, (*path, "value"), item["value"]), _text(document, (*path, "unit"), item["unit"]), str(item.get("source") or "")
    )
    if not quantity.value > 0:
        raise document.error((*path, "value"), f"must be positive, found {quantity.value:g}")
    if quantity.unit != also:
        try:
            quantity.to(unit)
        except SimulationError as error:
            raise document.error((*path, "unit"), str(error)) from None
    return quantity


def _check_keys(document: LocatedDocument, path: KeyPath, item: Any, *, required: Collection[str], optional: Collection[str]) -> None:
    if not isinstance(item, Mapping):
        raise document.error(path, f"`key: value` lines are needed here ({', '.join(required)}), found {item!r}")
    known = [*required, *(key for key in optional if key not in required)]
    for key in item:
        if key not in known:
            raise document.error((*path, key), f"is not a key of a model; known here: {', '.join(known)}")
    for key in required:
        if item.get(key) is None:
            raise document.error(path, f"the key {key!r} is missing")


def _number(document: LocatedDocument, path: KeyPath, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise document.error(path, f"a finite number is needed, found {value!r}")
    return float(value)


def _count(document: LocatedDocument, path: KeyPath, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise document.error(path, f"a whole number of at least 1 is needed, found {value!r}")
    return value


def _text(document: LocatedDocument, path: KeyPath, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise document.error(path, f"a name is needed, found {value!r}")
    return value
