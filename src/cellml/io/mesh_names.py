"""The names and the unit of a mesh as one line of JSON, for the formats that keep numbers only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellml.errors import FileError
from cellml.types import TetMesh

KEY = "cellml_names"


@dataclass(frozen=True)
class MeshNames:
    """What a file says beside its numbers: the name of the mesh, of each region and facet tag, and the unit of its coordinates."""

    name: str
    unit: str = "nm"
    regions: Mapping[int, str] = field(default_factory=dict)
    facets: Mapping[int, str] = field(default_factory=dict)


def names_line(mesh: TetMesh, unit: str) -> str:
    """One line of ASCII JSON without `--`, so that it may stand in comments of text formats and of XML."""
    names = {"name": mesh.name, "unit": unit, "regions": dict(mesh.region_names), "facets": dict(mesh.facet_names)}
    return json.dumps(names).replace("--", "-\\u002d")


def read_names(text: str | bytes | None, path: Path) -> MeshNames:
    """Names from such a line; the file's stem and nm where there is none. Raises FileError if the line is damaged."""
    if not text:
        return MeshNames(path.stem)
    try:
        names: dict[str, Any] = dict(json.loads(text))
        numbered = {kind: {int(n): str(name) for n, name in dict(names.get(kind) or {}).items()} for kind in ("regions", "facets")}
    except (ValueError, TypeError) as error:
        raise FileError(f"{path} is damaged: its {KEY} are no JSON of names ({error}).") from error
    return MeshNames(str(names.get("name", path.stem)), str(names.get("unit", "nm")), **numbered)
